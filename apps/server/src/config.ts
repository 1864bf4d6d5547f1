import { replyHeaderLineBytesMax, serverPortDefault } from "@wirebook/protocol";
import {
  SettingsError,
  choiceOption,
  describeSettings,
  filledText,
  hostName,
  ipAddress,
  listenPort,
  listOption,
  valueOption,
  readOptions,
  switchOption,
} from "@wirebook/settings";
import type { SettingsSource } from "@wirebook/settings";
import { assertOptionsApply, storageTable } from "./storage.ts";
import { modes } from "./auth/auth.ts";

export const table = {
  host: valueOption(hostName, "WIREBOOK_HOST", "127.0.0.1", "where to listen; beyond loopback with --users registered"),
  port: valueOption(listenPort, "WIREBOOK_PORT", serverPortDefault, "TCP port to listen on"),
  ...storageTable,
  trustProxy: listOption(ipAddress, "WIREBOOK_TRUST_PROXY", "require and trust a PROXY header from that address"),
  users: choiceOption(modes, {
    default: "open",
    env: "WIREBOOK_USERS",
    form: "MODE",
    help: "who may send messages: anyone under an unregistered name (open), or registered users only (registered)",
  }),
  iKnow: switchOption(
    "WIREBOOK_I_KNOW",
    "allow --users open beyond loopback: anyone can then read and delete everything",
  ),
  link: valueOption(
    { schema: filledText, form: "URL", expects: "the text of one line" },
    "WIREBOOK_LINK",
    "This line is for a link: start the server with --link URL",
    "the first line of each reply",
  ),
} as const;

export type Config = NonNullable<ReturnType<typeof readConfig>>;

export const help = `Usage: wirebook server [option…]

Runs the Wirebook server: takes messages over TCP, writes each into the history and answers.

${describeSettings(table)}`;

/** Reads the configuration; `undefined` when help was asked for. @throws SettingsError */
export function readConfig(source: SettingsSource) {
  const read = readOptions(table, source);
  if (read === undefined) return undefined;
  const { settings, options, nameOf } = read;
  assertOptionsApply(settings, options);
  if (settings.users === "registered" && options.includes("--i-know")) {
    throw new SettingsError("--i-know is for --users open; leave it out, or type --users open");
  }
  if (/[\p{Cc}\u2028\u2029]/u.test(settings.link)) {
    throw new SettingsError(`${nameOf("link")} has several lines or control characters; type one line of visible text`);
  }
  const linkBytes = Buffer.byteLength(settings.link);
  if (linkBytes > replyHeaderLineBytesMax) {
    throw new SettingsError(`${nameOf("link")} has ${linkBytes} bytes; type at most ${replyHeaderLineBytesMax}`);
  }
  return Object.freeze({ ...settings, nameOf });
}
