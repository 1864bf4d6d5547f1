/**
 * The command `wirebook`: which program a command line is for. Each is loaded when it is wanted, and finds its own words in
 * `process.argv`. Whatever does not begin with a command is for the client, behind `--` also the name of a command.
 */

import process from "node:process";

const programs = {
  start: () => import("./start.ts"),
  server: () => import("../../server/src/main.ts"),
  gateway: () => import("../../gateway/bin/wirebook-gateway.mjs"),
  users: () => import("../../server/src/cli/users.ts"),
  history: () => import("../../server/src/cli/history.ts"),
} as const;

/** Subcommands of the client, which reads them itself. */
const clientCommands: ReadonlySet<string> = new Set(["connect", "play", "compare"]);

const overview = `Usage: wirebook COMMAND [option…]
       wirebook [option…] [user [operation [argument…]]]

  start           the server, the gateway and its page, until Ctrl-C
  server          the server alone: a logbook over TCP
  gateway         the gateway alone: the page, and the TCP services behind it
  users           the registered users of a server
  history         copies a history to and from a NATS cluster
  connect URL     a conversation with any service over TCP, TLS or a Unix socket
  play FILE       a scenario: sends what it says, and checks what comes back
  compare A B     compares two exported streams: bytes, reads and times
  help COMMAND    the options of a command; help client: of messages, as below
  --version       print the version

Anything else is a message to a server:

  wirebook brick             the operations that the server offers
  wirebook brick 2 -10       the last ten lines of the history
  wirebook -- start 2        a message of a user with the name of a command
  wirebook                   on a terminal: a prompt

Settings: an option, else its environment variable, else the default.
`;

// Without this, help written to a closed pipe ends with a stack trace. Each program handles its own output.
process.stdout.on("error", () => (process.exitCode = 1));

await dispatch(process.argv.slice(2));

async function dispatch(argv: readonly string[]): Promise<void> {
  const [word = "", ...words] = argv;
  if (isProgram(word)) {
    if (words[0] === "--version") return await runClient(words);
    process.argv.splice(2, Infinity, ...words);
    endWithParent();
    await programs[word]();
  } else if (word === "help" || (words.length === 0 && (word === "--help" || word === "-h"))) await help(words);
  else {
    const meant = [...Object.keys(programs), ...clientCommands, "help"].find((command) => isMistyped(word, command));
    // A script may well have a user with such a name; a person is told.
    if (meant !== undefined && process.stderr.isTTY) {
      process.stderr.write(`wirebook: ${word} is no command and goes out as a message; or is it wirebook ${meant}?\n`);
    }
    await runClient(argv);
  }
}

/** True when a word has one letter more, less or another one than a command, or two of them the other way round. */
function isMistyped(word: string, command: string): boolean {
  let at = 0;
  while (at < command.length && word[at] === command[at]) at += 1;
  const [typed, meant] = [word.slice(at), command.slice(at)];
  if (typed === meant) return false;
  const isOther = typed.slice(1) === meant.slice(1) || typed.slice(1) === meant || typed === meant.slice(1);
  return isOther || (typed[0] === meant[1] && typed[1] === meant[0] && typed.slice(2) === meant.slice(2));
}

/** Ends a program of `wirebook start` once that is gone, even killed: the system closes the channel between them then. */
function endWithParent(): void {
  if (process.channel === undefined) return;
  process.once("disconnect", () => process.emit("SIGTERM", "SIGTERM") || process.exit(0));
  process.channel.unref();
}

async function help([command, ...others]: readonly string[]): Promise<void> {
  if (command === undefined) process.stdout.write(overview);
  else if (others.length > 0) refuse(`help takes one command, not ${others.length + 1} words; type wirebook help`);
  else if (isProgram(command)) await dispatch([command, "--help"]);
  else if (clientCommands.has(command)) await runClient([command, "--help"]);
  else if (command === "client") await runClient(["--help"]);
  else refuse(`unknown command ${quote(command)}; type wirebook help for the list`);
}

async function runClient(argv: readonly string[]): Promise<void> {
  process.argv.splice(2, Infinity, ...argv);
  await import("../../client/src/main.ts");
}

function isProgram(word: string): word is keyof typeof programs {
  return Object.hasOwn(programs, word);
}

function quote(word: string): string {
  return JSON.stringify(word.length > 40 ? `${word.slice(0, 40)}…` : word);
}

function refuse(sentence: string): void {
  process.stderr.write(`wirebook: ${sentence}\n`);
  process.exitCode = 2;
}
