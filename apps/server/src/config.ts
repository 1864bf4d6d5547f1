import { replyHeaderLineBytesMax, serverPortDefault } from "@wirebook/protocol";
import {
  SettingsError,
  choiceOption,
  describeSettings,
  filledText,
  hostName,
  ipAddresses,
  portNumber,
  readSettings,
  switchOption,
  withoutUserinfo,
} from "@wirebook/settings";
import type { SettingsOf, SettingsSource } from "@wirebook/settings";
import { assertOptionsApply, storageTable } from "./storage.ts";
import { modes } from "./auth/auth.ts";

export const table = {
  host: {
    schema: hostName,
    default: "127.0.0.1",
    env: "WIREBOOK_HOST",
    form: "ADDRESS",
    expects: "an address of this machine, such as 127.0.0.1",
    help: "address to listen on; beyond loopback it needs --users registered",
  },
  port: {
    schema: portNumber,
    default: serverPortDefault,
    env: "WIREBOOK_PORT",
    form: "PORT",
    expects: "a port from 0 to 65535; 0 takes any free port",
    help: "TCP port to listen on",
  },
  ...storageTable,
  trustProxy: {
    schema: ipAddresses,
    default: [],
    env: "WIREBOOK_TRUST_PROXY",
    form: "ADDRESS",
    expects: "the IP address from which a gateway with --proxy-protocol connects, such as 192.0.2.7",
    help: "require and trust a PROXY header from that address; may be repeated",
  },
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
  link: {
    schema: filledText,
    default: "This line is for a link: start the server with --link URL",
    env: "WIREBOOK_LINK",
    form: "URL",
    expects: "the text of one line",
    help: "the first line of each reply",
  },
} as const;

export type Config = SettingsOf<typeof table>;

export const help = `Usage: wirebook server [option…]

Runs the Wirebook server: takes messages over TCP, writes each into the history and answers.

${describeSettings(table)}`;

/**
 * Reads the configuration; `undefined` when help was asked for.
 *
 * @throws SettingsError with a sentence that says what to type instead
 */
export function readConfig(source: SettingsSource): Config | undefined {
  const { settings, options, words, isHelp } = readSettings(table, source);
  if (isHelp) return undefined;
  if (words.length > 0) {
    throw new SettingsError(`${withoutUserinfo(JSON.stringify(words[0]))} is not an option; see --help`);
  }
  assertOptionsApply(settings, options);
  if (settings.users === "registered" && options.includes("--i-know")) {
    throw new SettingsError("--i-know is for --users open; leave it out, or type --users open");
  }
  if (/[\p{Cc}\u2028\u2029]/u.test(settings.link)) {
    throw new SettingsError(
      "the link has several lines or control characters; type one line of visible text with --link",
    );
  }
  const linkBytes = Buffer.byteLength(settings.link);
  if (linkBytes > replyHeaderLineBytesMax) {
    throw new SettingsError(`the link has ${linkBytes} bytes; type at most ${replyHeaderLineBytesMax} with --link`);
  }
  return settings;
}
