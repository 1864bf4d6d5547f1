/** The client as a program. The only file that touches `process`; the exit codes are listed in `--help`. */

import process from "node:process";
import type { Capture } from "@wirebook/capture";
import { ProtocolError, StreamRecord } from "@wirebook/protocol";
import { SettingsError } from "@wirebook/settings";
import { compareFiles } from "./compare/compare.ts";
import { readInvocation, version } from "./config.ts";
import type { Config } from "./config.ts";
import type { ConnectConfig } from "./connect/connect-config.ts";
import { converse } from "./connect/conversation.ts";
import { openStreamFiles } from "./connect/stream-files.ts";
import { createMessage } from "./message.ts";
import type { Outgoing } from "./message.ts";
import { exportBounds } from "./output/export-file.ts";
import { JsonPresenter } from "./output/json-presenter.ts";
import { PipePresenter } from "./output/pipe-presenter.ts";
import { TerminalPresenter } from "./output/terminal-presenter.ts";
import { createPaint, isColoured, visibleText } from "./output/terminal-text.ts";
import { recordBounds } from "./output/trace-json.ts";
import { openPcapFile } from "./pcap-file.ts";
import type { PlayConfig } from "./play/play-config.ts";
import { playScenarios } from "./play/play-scenarios.ts";
import { runPrompt } from "./prompt.ts";
import { exitCodeOf, exitCodes } from "./result.ts";
import type { Outcome } from "./result.ts";
import { Session } from "./session.ts";
import type { Presenter, StreamDependencies } from "./session.ts";
import { runBatch } from "./standard-input.ts";

const { stdin, stdout, stderr, env } = process;

stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read the output has seen enough, as `head` does.
  if (error.code === "EPIPE") process.exit(exitCodes.done);
  stderr.write(`wirebook: cannot write to standard output (${error.code ?? error.message})\n`);
  process.exit(exitCodes.unreachable);
});
// Best effort: without standard error no place is left to say it.
stderr.on("error", () => {});

process.exitCode = await main();
// An interrupted user waits for nothing, not even for a full pipe.
if (process.exitCode === exitCodes.interrupted) process.exit();

async function main(): Promise<number> {
  try {
    const onNotice = (sentence: string): void => void stderr.write(`wirebook: ${visibleText(sentence)}\n`);
    const invocation = readInvocation({ argv: process.argv.slice(2), env, onNotice });
    if (invocation.kind === "print") {
      stdout.write(invocation.text);
      return exitCodes.done;
    }
    if (invocation.kind === "play") return await runPlay(invocation.config);
    if (invocation.kind === "compare") {
      const write = (text: string): void => void stdout.write(text);
      const isSame = compareFiles(invocation.config, { write, onNotice, paint: createPaint(isColoured(stdout, env)) });
      return isSame ? exitCodes.done : exitCodes.different;
    }
    const { kind, config } = invocation;
    if (config.utc) env["TZ"] = "UTC";
    return await withCapture(config.pcap, async (capture) =>
      kind === "run" ? await run(config, capture) : await runConversation(config, capture),
    );
  } catch (error) {
    const isUsage = error instanceof SettingsError || error instanceof ProtocolError;
    const what = error instanceof Error ? (isUsage ? error.message : (error.stack ?? error.message)) : String(error);
    stderr.write(`wirebook: ${visibleText(what)}\n`);
    return isUsage ? exitCodes.usage : exitCodes.fault;
  }
}

/** A capture that could not be written whole is told at the end, and counts as a failure when all else went well. */
async function withCapture(
  path: string | undefined,
  act: (capture: Capture | undefined) => Promise<number>,
): Promise<number> {
  if (path === undefined) return await act(undefined);
  const file = openPcapFile(path, version.trim());
  const code = await act(file.capture);
  const problem = file.close();
  if (problem === undefined) return code;
  stderr.write(`wirebook: ${visibleText(problem)}\n`);
  return code === exitCodes.done ? exitCodes.unreachable : code;
}

async function runConversation(config: ConnectConfig, capture: Capture | undefined): Promise<number> {
  const outPaint = createPaint(isColoured(stdout, env));
  const files = openStreamFiles(config, version.trim());
  const record = new StreamRecord(files === undefined ? recordBounds : exportBounds);
  const outcome = await converse(config, { ...dependenciesWith(capture), input: stdin, outPaint, record });
  const code = exitCodeOf(outcome);
  const problems = files?.write(record) ?? [];
  for (const problem of problems) printError(problem);
  return code === exitCodes.done && problems.length > 0 ? exitCodes.unreachable : code;
}

function printError(sentence: string): void {
  const paint = createPaint(isColoured(stderr, env));
  stderr.write(`${paint.wrong("wirebook:")} ${visibleText(sentence)}\n`);
}

async function runPlay(config: PlayConfig): Promise<number> {
  const { listenForInterrupt } = dependenciesWith(undefined);
  return await playScenarios(config, {
    input: stdin,
    terminal: stdout.isTTY ? stdout : stderr,
    out: stdout,
    printError,
    program: version.trim(),
    listenForInterrupt,
  });
}

async function run(config: Config, capture: Capture | undefined): Promise<number> {
  const session = new Session(config, {
    ...dependenciesWith(capture),
    presenter: createPresenter(config),
  });
  const send = (outgoing: Outgoing): Promise<Outcome> => session.send(outgoing);
  const { message, target } = config;
  if (message !== undefined) return exitCodeOf(await send(createMessage(Buffer.from(message))));
  if (!stdin.isTTY || !(stdout.isTTY || stderr.isTTY)) return await runBatch(stdin, { send, printError });
  const output = stdout.isTTY ? stdout : stderr;
  const paint = createPaint(isColoured(output, env));
  await runPrompt({ input: stdin, output, paint, target, send, printError });
  return exitCodes.done;
}

function dependenciesWith(capture: Capture | undefined): StreamDependencies {
  return {
    out: stdout,
    errorOut: stderr,
    errorPaint: createPaint(isColoured(stderr, env)),
    capture,
    listenForInterrupt(listener) {
      process.on("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
  };
}

function createPresenter({ isJson }: Config): Presenter {
  if (isJson) return new JsonPresenter(stdout);
  return stdout.isTTY ? new TerminalPresenter(stdout, createPaint(isColoured(stdout, env))) : new PipePresenter(stdout);
}
