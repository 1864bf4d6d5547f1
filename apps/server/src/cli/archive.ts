/**
 * `wirebook history archive`: asks a running server to move the first lines of its history into a file beside it, with
 * operation 7 [W-23]. A history belongs to one process, so only that one can.
 */

import { connect } from "node:net";
import { authenticationError, decodeText, encodeMessage, errorPrefix, keepDaysMax } from "@wirebook/protocol";
import { ProtocolError, ReplyReader, serverPortDefault } from "@wirebook/protocol";
import { filledText, hostName, portNumber, SettingsError, wholeNumber } from "@wirebook/settings";
import type { Setting, SettingsOf } from "@wirebook/settings";
import { CommandError, say } from "./run-command.ts";

/** Milliseconds that a server may take: it copies what it archives, and what it keeps. */
const archiveWaitMs = 3_600_000;

const archiveOperation = 7;

export const archiveTable = {
  keepLines: numberOption("WIREBOOK_KEEP_LINES", "N", [0, Number.MAX_SAFE_INTEGER], "lines to keep, the newest"),
  keepDays: numberOption("WIREBOOK_KEEP_DAYS", "D", [1, keepDaysMax], "days of 24 hours whose lines to keep"),
  host: {
    schema: hostName,
    default: "127.0.0.1",
    env: "WIREBOOK_HOST",
    form: "HOST",
    expects: "a host name or an address, such as 127.0.0.1",
    help: "archive: host of the server",
  },
  port: {
    schema: portNumber,
    default: serverPortDefault,
    env: "WIREBOOK_PORT",
    form: "PORT",
    expects: "a port from 1 to 65535",
    help: "archive: TCP port of the server",
  },
  user: {
    schema: filledText,
    default: "operator",
    env: "WIREBOOK_USER",
    form: "NAME",
    expects: "a username",
    help: "archive: the user who asks; put NAME~KEY of a registered admin into WIREBOOK_USER",
  },
} as const;

/** As they are typed. */
export const archiveOptions: readonly string[] = ["--keep-lines", "--keep-days", "--host", "--port", "--user"];

type ArchiveSettings = SettingsOf<typeof archiveTable>;

/** Archives, and says what the server says. @throws SettingsError, CommandError */
export async function archive(settings: ArchiveSettings): Promise<void> {
  const message = encodeRequest(settings);
  const { host, port } = settings;
  const socket = connect({ host, port, keepAlive: true });
  socket.setTimeout(archiveWaitMs, () => socket.destroy(new Error("it did not answer within an hour")));
  socket.write(message);
  const reader = new ReplyReader();
  let response = "";
  try {
    for await (const chunk of socket) response += decodeText(reader.push(chunk as Buffer).response);
    response = (response + decodeText(reader.finish().response)).trim();
  } catch (error) {
    const reason = (error as Error).message;
    const sentence = `the server at ${host}, port ${port}, could not be asked: ${reason}; see --host and --port`;
    throw new CommandError(sentence, { cause: error });
  }
  if (response === authenticationError) {
    throw new CommandError("the server accepts registered users only; put NAME~KEY of an admin into WIREBOOK_USER");
  }
  if (response.startsWith(errorPrefix)) throw new CommandError(response.slice(errorPrefix.length));
  if (response === "") throw new CommandError(`the server at ${host}, port ${port}, gave no answer; look at its log`);
  say(response);
}

function encodeRequest({ keepLines, keepDays, user }: ArchiveSettings): string {
  if (keepLines !== undefined && keepDays !== undefined) {
    throw new SettingsError("--keep-lines and --keep-days exclude each other; type one of them");
  }
  try {
    return encodeMessage(user, archiveOperation, [keepDays === undefined ? (keepLines ?? 0) : `${keepDays}d`]);
  } catch (error) {
    throw error instanceof ProtocolError ? new SettingsError(error.message, { cause: error }) : error;
  }
}

function numberOption(
  env: string,
  form: string,
  [least, most]: [number, number],
  what: string,
): Setting<number | undefined> {
  const expects = `a number from ${least} to ${most}`;
  const schema = wholeNumber(least, most);
  return { schema, default: undefined, env, form, expects, help: `archive: ${what}` };
}
