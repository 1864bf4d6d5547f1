/** The options that the client has in common with its subcommands. */

import { connectTimeoutMsDefault, replyTimeoutMsDefault } from "@wirebook/net";
import { filledText, toggle, utcOption, wholeNumber } from "@wirebook/settings";
import * as z from "zod/mini";

/** The longest `--timeout` in milliseconds: a day. */
export const timeoutMsMax = 86_400_000;

/** An option without a value, whose variable is 1 or 0. */
export function switchOption(env: string, help: string) {
  return { schema: toggle, default: false, env, form: "", expects: "1 or 0", help } as const;
}

/** A file that is written. */
export function fileOption(env: string, example: string, help: string) {
  const expects = `a file to write, such as ${example}`;
  return { schema: z.optional(filledText), default: undefined, env, form: "FILE", expects, help } as const;
}

/** As they stand in the table of settings. */
export const commonOptions = {
  timeout: {
    schema: z.optional(wholeNumber(1, timeoutMsMax)),
    default: undefined,
    env: "WIREBOOK_TIMEOUT",
    form: "MS",
    expects: `milliseconds from 1 to ${timeoutMsMax}, such as 2000`,
    help: `milliseconds to wait for the connection and for each byte; default ${connectTimeoutMsDefault} and ${replyTimeoutMsDefault}`,
  },
  json: switchOption("WIREBOOK_JSON", "print JSON, one object a line"),
  trace: switchOption("WIREBOOK_TRACE", "print each step on the wire with its time to standard error"),
  utc: utcOption,
  pcap: fileOption(
    "WIREBOOK_PCAP",
    "wirebook.pcapng",
    "write each exchange as packets to a pcapng file for Wireshark; replaces an older one",
  ),
} as const;

/** For streams that `wirebook compare` and the page can read. */
export const exportOption = fileOption(
  "WIREBOOK_EXPORT",
  "streams.ndjson",
  "write what was sent and received as NDJSON, for wirebook compare and the page; replaces an older file",
);
