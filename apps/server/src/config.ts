import { serverPortDefault } from "@wirebook/protocol";
import {
  SettingsError,
  describeSettings,
  filledText,
  hostName,
  ipAddresses,
  oneOf,
  portNumber,
  readSettings,
  toggle,
  withoutUserinfo,
} from "@wirebook/settings";
import type { SettingsOf, SettingsSource } from "@wirebook/settings";
import { storageTable } from "./storage.ts";
import { modes } from "./auth/auth.ts";

const table = {
  host: {
    schema: hostName,
    default: "127.0.0.1",
    env: "WIREBOOK_HOST",
    form: "ADDRESS",
    expects: "an address of this machine, such as 127.0.0.1",
    help: "the address to listen on; beyond loopback only with --users registered",
  },
  port: {
    schema: portNumber,
    default: serverPortDefault,
    env: "WIREBOOK_PORT",
    form: "PORT",
    expects: "a number from 0 to 65535; 0 takes any free port",
    help: "the TCP port to listen on",
  },
  ...storageTable,
  trustProxy: {
    schema: ipAddresses,
    default: [],
    env: "WIREBOOK_TRUST_PROXY",
    form: "ADDRESS",
    expects: "the IP address from which a gateway with --proxy-protocol connects, such as 192.0.2.7",
    help: "believe the PROXY header of that address, and ask for one; may be repeated",
    isList: true,
  },
  users: {
    schema: oneOf(modes),
    default: "open",
    env: "WIREBOOK_USERS",
    form: "MODE",
    expects: "open or registered",
    help: "who may speak: any name that nobody has registered, too (open), or registered users only (registered)",
  },
  iKnow: {
    schema: toggle,
    default: false,
    env: "WIREBOOK_I_KNOW",
    form: "",
    expects: "it without a value",
    help: "listen beyond loopback with --users open, where everybody may then read and delete everything",
  },
  link: {
    schema: filledText,
    default: "https://github.com/wirebook/wirebook",
    env: "WIREBOOK_LINK",
    form: "URL",
    expects: "the text of one line",
    help: "the first line of every reply",
  },
} as const;

/** What the server is told on the command line and in the environment. */
export type Config = SettingsOf<typeof table>;

/** The help that `--help` prints. */
export const help = `Usage: node apps/server/src/main.ts [option…]

The Wirebook server: it takes messages over TCP, writes each into the history and answers.

${describeSettings(table)}  --help  print this
`;

/**
 * Reads the configuration; `undefined` when help was asked for.
 *
 * @throws SettingsError with a sentence that says what to type instead
 */
export function readConfig(source: SettingsSource): Config | undefined {
  const { settings, words, isHelp } = readSettings(table, source);
  if (isHelp) return undefined;
  if (words.length > 0) {
    throw new SettingsError(
      `${withoutUserinfo(JSON.stringify(words[0]))} is no option; type --help for the list of options`,
    );
  }
  if (/[\r\n]/.test(settings.link)) {
    throw new SettingsError("the link has several lines; type the text of one line with --link or in WIREBOOK_LINK");
  }
  return settings;
}
