/** The client as a program. The only file that touches `process`; the exit codes are listed in `--help`. */

import process from "node:process";
import { InputError } from "@wirebook/net";
import { ProtocolError } from "@wirebook/protocol";
import { SettingsError } from "@wirebook/settings";
import manifest from "../../../package.json" with { type: "json" };
import { exitCodes, runCommand, type Io } from "./command.ts";
import { compare } from "./compare.ts";
import { connect } from "./connect.ts";
import { messages } from "./messages.ts";
import { createPaint, visibleText } from "./output/text.ts";
import { play } from "./play.ts";

const { stdin, stdout, stderr, env } = process;

/** The first words of `wirebook` that begin no message; those of programs are found before the client is. */
const programNames = ["start", "server", "gateway", "users", "history", "help"];

stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read the output has seen enough, as `head` does.
  if (error.code === "EPIPE") process.exit(exitCodes.done);
  stderr.write(`wirebook: cannot write to standard output (${error.code ?? error.message})\n`);
  process.exit(exitCodes.unreachable);
});
// Best effort: without standard error no place is left to say it.
stderr.on("error", () => {});

const errorPaint = createPaint(stderr.isTTY && stderr.hasColors());

const io: Io = {
  input: stdin,
  out: stdout,
  errorOut: stderr,
  paint: createPaint(stdout.isTTY && stdout.hasColors()),
  errorPaint,
  program: `wirebook ${manifest.version}`,
  printError: (sentence) => void stderr.write(`${errorPaint.wrong("wirebook:")} ${visibleText(sentence)}\n`),
  // Also for `timeout 9 wirebook connect … --record FILE`, and a terminal that is closed: what was recorded is written.
  listenForInterrupt(listener) {
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    for (const signal of signals) process.on(signal, listener);
    return () => signals.forEach((signal) => process.off(signal, listener));
  },
};

process.exitCode = await main(process.argv.slice(2));
// An interrupted user waits for nothing, not even for a full pipe.
if (process.exitCode === exitCodes.interrupted) process.exit();

async function main(argv: readonly string[]): Promise<number> {
  const [word, ...words] = argv;
  try {
    if (word === "connect") return await runCommand(connect, { argv: words, env }, io);
    if (word === "play") return await runCommand(play, { argv: words, env }, io);
    if (word === "compare") return await runCommand(compare, { argv: words, env }, io);
    return await runCommand(messages, { argv, env }, io, [...programNames, "connect", "play", "compare"]);
  } catch (error) {
    const isUsage = [SettingsError, InputError, ProtocolError].some((kind) => error instanceof kind);
    const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
    io.printError(isUsage ? message : stack);
    return isUsage ? exitCodes.usage : exitCodes.fault;
  }
}
