/**
 * `wirebook play`: plays one scenario after the other, and tells how each went.
 *
 * All files are read, all targets found and all values asked for before anything is connected, so that a mistake in the
 * last file does not leave half of the others played.
 */

import type { Readable } from "node:stream";
import type { Target } from "@wirebook/net";
import { decodeText } from "@wirebook/protocol";
import { findValuesProblem, parseScenario, scenarioBytesMax } from "@wirebook/scenario";
import type { Scenario } from "@wirebook/scenario";
import { readSmallFile, SettingsError } from "@wirebook/settings";
import type { Output } from "../connect/screen.ts";
import { exportedLine, openExportFile } from "../output/export-file.ts";
import { beginsWith, OutputFile } from "../output/output-file.ts";
import { exitCodes } from "../result.ts";
import { askValues } from "./ask-values.ts";
import type { PlayConfig } from "./play-config.ts";
import { play } from "./play.ts";
import type { Played, PlayOptions } from "./play.ts";
import { JunitReport, reportJson, reportLine } from "./report.ts";

interface PlayDependencies extends Pick<PlayOptions, "listenForInterrupt"> {
  readonly input: Readable & { readonly isTTY?: boolean };
  /** Where values are asked for. */
  readonly terminal: Output;
  readonly out: Output;
  readonly printError: (sentence: string) => void;
  /** The name and version of this program, for the files that it writes. */
  readonly program: string;
}

const exitCodeOf = {
  held: exitCodes.done,
  failed: exitCodes.expectationFailed,
  "timed-out": exitCodes.timedOut,
  broken: exitCodes.unreachable,
  unreachable: exitCodes.unreachable,
  interrupted: exitCodes.interrupted,
} as const satisfies Record<Played["outcome"]["verdict"], number>;

const junitKind = { option: "--junit", name: "XML", isHead: beginsWith("<?xml") };

/** Of several codes, the first in this order is the one of the program. */
const worstFirst = [exitCodes.interrupted, exitCodes.unreachable, exitCodes.timedOut, exitCodes.expectationFailed];

/**
 * Plays them; resolves with the exit code.
 *
 * @throws SettingsError before anything is connected
 */
export async function playScenarios(config: PlayConfig, dependencies: PlayDependencies): Promise<number> {
  const { input, terminal, out, printError, program, listenForInterrupt } = dependencies;
  const read = await readScenarios(config.files, dependencies);
  if (read === undefined) return exitCodes.usage;
  const scenarios = read.map((each) => ({ ...each, target: targetOf(each, config) }));
  const asked = [...new Set(scenarios.flatMap(({ scenario }) => scenario.asks))];
  const missing = asked.filter((name) => !config.values.has(name));
  const typed = await askValues(missing, input, terminal);
  if (typed === undefined) return exitCodes.interrupted;
  const given = new Map([...config.values, ...typed]);
  const plays = scenarios.map((each) => {
    // What a scenario does not ask for it keeps itself, whatever another one is given under that name.
    const values = new Map([...given].filter(([name]) => each.scenario.asks.includes(name)));
    const problem = findValuesProblem(each.scenario, values);
    if (problem !== undefined) throw new SettingsError(problem);
    return { ...config, ...each, values, listenForInterrupt };
  });

  const exported = config.export === undefined ? undefined : openExportFile(config.export, program);
  const junit = config.junit === undefined ? undefined : new OutputFile(config.junit, junitKind);
  const report = new JunitReport();
  const codes: number[] = [];
  for (const each of plays) {
    const played = await play(each);
    out.write(`${config.json ? reportJson(played) : reportLine(played)}\n`);
    report.add(played);
    exported?.write(exportedLine(played.record, played.target));
    codes.push(exitCodeOf[played.outcome.verdict]);
    if (played.outcome.verdict === "interrupted") break;
  }
  junit?.write(report.xml);
  for (const problem of [exported?.close(), junit?.close()]) {
    if (problem === undefined) continue;
    printError(problem);
    codes.push(exitCodes.unreachable);
  }
  return worstFirst.find((code) => codes.includes(code)) ?? exitCodes.done;
}

interface ReadScenario {
  readonly file: string;
  readonly scenario: Scenario;
}

/** `undefined` when one of them is malformed, which is told. */
async function readScenarios(
  files: readonly string[],
  { input, printError }: PlayDependencies,
): Promise<readonly ReadScenario[] | undefined> {
  const scenarios: ReadScenario[] = [];
  for (const path of files) {
    const file = path === "-" ? "standard input" : path;
    const parsed = parseScenario(decodeText(await readScenarioFile(path, input)));
    if ("scenario" in parsed) scenarios.push({ file, ...parsed });
    else for (const { line, column, sentence } of parsed.problems) printError(`${file}:${line}:${column}: ${sentence}`);
  }
  return scenarios.length === files.length ? scenarios : undefined;
}

async function readScenarioFile(file: string, input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (file !== "-") return readSmallFile(file, file, scenarioBytesMax, "name the file of a scenario");
  const parts: Uint8Array[] = [];
  let byteCount = 0;
  for await (const part of input) {
    byteCount += part.length;
    if (byteCount > scenarioBytesMax) {
      throw new SettingsError(
        `standard input has more than the limit of ${scenarioBytesMax} bytes; play a shorter scenario`,
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The target that a scenario names, or else the only one. */
function targetOf({ file, scenario: { target: name } }: ReadScenario, { targets }: PlayConfig): Target {
  const [only, ...others] = targets;
  const found = name === undefined && others.length === 0 ? only : targets.find((each) => each.name === name);
  if (found?.proxy !== undefined) {
    throw new SettingsError("proxy=v2 names the client of a gateway, and this is none; leave it out");
  }
  if (found !== undefined) return found;
  const [why, form] =
    name !== undefined
      ? [`is for the target ${name}, which is not there`, name]
      : [only === undefined ? "needs a target" : "names no target, and there are several; give one", "NAME"];
  throw new SettingsError(`${file} ${why}; type --target ${form}=tcp://HOST:PORT`);
}
