/**
 * `wirebook play`: plays one scenario after the other, and tells how each went.
 *
 * All files are read, all targets found and all values asked for before anything is connected, so that a mistake in the
 * last file does not leave half of the others played.
 */

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { parseTarget } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { decodeText, plainText } from "@wirebook/protocol";
import { findValuesProblem, parseScenario, scenarioBytesMax, secretName } from "@wirebook/scenario";
import type { Scenario } from "@wirebook/scenario";
import { choiceOption, describeSettings, listOption, readSmallFile, SettingsError } from "@wirebook/settings";
import { switchOption } from "@wirebook/settings";
import type { Io } from "../io.ts";
import { exportOption, readTarget, timeoutOption } from "../command.ts";
import type { Command } from "../command.ts";
import { closeFiles, exportedLine, openExportFile } from "../output/files.ts";
import { jsonLine, millisecondsSince } from "../output/views.ts";
import { exitCodes } from "../result.ts";
import { play as playOne } from "./play.ts";
import type { Played } from "./play.ts";

const table = {
  target: listOption(
    "WIREBOOK_TARGETS",
    "NAME=URL",
    "NAME=URL, such as mail=tcp://localhost:25",
    "a service that scenarios name; may be repeated",
  ),
  pace: choiceOption(["recorded", "fast"], {
    default: "recorded",
    env: "WIREBOOK_PACE",
    form: "PACE",
    help: "recorded waits where the scenario says wait, fast does not",
  }),
  timeout: timeoutOption(
    "milliseconds to wait for the connection and for what is expected, in place of the scenario's timeout",
  ),
  value: listOption(
    "WIREBOOK_VALUES",
    "NAME=VALUE",
    "NAME=VALUE, such as user=brick",
    "what a scenario sends for {{NAME}}; may be repeated",
  ),
  json: switchOption("WIREBOOK_JSON", "print JSON, one object for each scenario"),
  export: exportOption,
} as const;

const help = `Usage: wirebook play [option…] FILE…

Plays scenarios: sends what they say, and checks what comes back. A scenario is a text
file (docs/reference/scenarios.md); - is standard input. wirebook connect URL --record FILE
writes one.

  wirebook play smtp.wire --target mail=tcp://localhost:25
  wirebook play *.wire --target mail=tls://localhost:465?ca=FILE --pace fast

Options
${describeSettings(table)}
URLs are those of wirebook help connect, with tcp:// in front. A scenario that names no target is for the only one.
On a terminal you are asked for values that are missing. {{key}} is not shown while you type it,
and no output has it: in --export, asterisks stand for it.

Output
  smtp.wire: held, 12 steps, 84 ms
  smtp.wire:7: expected \`250 *\`, got \`550 no such user\`
  --json      {"type":"play","file":…,"target":…,"verdict":"held"|"failed"|"timed-out"|"broken"|
              "unreachable"|"interrupted","line":…|null,"message":…|null,"ms":…,"steps":[…]}; each of its
              steps is {"line":…,"source":…,"state":…,"isFromTarget":…,"from":…,"to":…,"ms":…},
              and the one that failed has "difference":{"expected":…,"got":…,"sentence":…}

Exit codes
  0    every scenario held
  1    an expectation failed
  2    wrong use, a malformed scenario (FILE:LINE:COLUMN: what is wrong), or a missing value;
       nothing was connected
  3    cannot connect, the connection broke, or a file cannot be written
  4    timed out
  130  interrupted
  Of several scenarios, 3 comes before 4, and 4 before 1.
`;

const exitCodeOf = {
  held: exitCodes.done,
  failed: exitCodes.expectationFailed,
  "timed-out": exitCodes.timedOut,
  broken: exitCodes.unreachable,
  unreachable: exitCodes.unreachable,
  interrupted: exitCodes.interrupted,
} as const satisfies Record<Played["outcome"]["verdict"], number>;

/** Of several codes, the first in this order is the one of the program. */
const worstFirst = [exitCodes.interrupted, exitCodes.unreachable, exitCodes.timedOut, exitCodes.expectationFailed];

export const play: Command<typeof table> = {
  table,
  help,
  async run({ pace, timeout, json, target, value, export: exportPath }, files, io) {
    if (files.length === 0) throw new SettingsError("play needs a scenario; type wirebook play FILE --target NAME=URL");
    if (files.indexOf("-") !== files.lastIndexOf("-")) {
      throw new SettingsError("- is there twice, and standard input can be read once; name files instead");
    }
    const targets = readTargets(target);
    const given = new Map(value.map(readValue));
    const read = await readScenarios(files, io);
    if (read === undefined) return exitCodes.usage;
    const scenarios = read.map((each) => ({ ...each, target: targetOf(each, targets) }));
    const asked = new Set(scenarios.flatMap(({ scenario }) => scenario.asks));
    for (const name of asked) {
      const typed = given.get(name) ?? (await askValue(name, io));
      if (typed === undefined) return exitCodes.interrupted;
      given.set(name, typed);
    }
    const plays = scenarios.map((each) => {
      // What a scenario does not ask for it keeps itself, whatever another one is given under that name.
      const values = new Map([...given].filter(([name]) => each.scenario.asks.includes(name)));
      const problem = findValuesProblem(each.scenario, values);
      if (problem !== undefined) throw new SettingsError(problem);
      return { ...each, values, pace, timeout, listenForInterrupt: io.listenForInterrupt };
    });

    const exported = exportPath === undefined ? undefined : openExportFile(exportPath, io.program);
    const codes: number[] = [];
    for (const each of plays) {
      const played = await playOne(each);
      io.out.write(json ? reportJson(played) : reportLine(played));
      exported?.write(exportedLine(played.record, played.target));
      codes.push(exitCodeOf[played.outcome.verdict]);
      if (played.outcome.verdict === "interrupted") break;
    }
    const code = worstFirst.find((each) => codes.includes(each)) ?? exitCodes.done;
    return closeFiles([exported], code, io.printError);
  },
};

function readTargets(texts: readonly string[]): Target[] {
  const targets = texts.map((text) => readTarget(() => parseTarget(text)));
  const twice = targets.find(({ name }, at) => targets.findIndex((each) => each.name === name) < at);
  if (twice === undefined) return targets;
  throw new SettingsError(`--target ${twice.name} is there twice; type it once`);
}

/** What stands behind the = may be a key, so it is not repeated. */
function readValue(text: string): [name: string, value: string] {
  const [, name, value] = /^([a-z][\w-]*)=(.*)$/is.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new SettingsError("--value has no name that a scenario could have; type NAME=VALUE, such as user=brick");
}

interface ReadScenario {
  readonly file: string;
  readonly scenario: Scenario;
}

/** `undefined` when one of them is malformed, which is told. */
async function readScenarios(
  files: readonly string[],
  { input, printError }: Io,
): Promise<readonly ReadScenario[] | undefined> {
  const scenarios: ReadScenario[] = [];
  for (const path of files) {
    const file = path === "-" ? "standard input" : path;
    const bytes = path === "-" ? await readInput(input) : readSmallFile(path, path, scenarioBytesMax, advice);
    const parsed = parseScenario(decodeText(bytes));
    if ("scenario" in parsed) scenarios.push({ file, ...parsed });
    else for (const { line, column, sentence } of parsed.problems) printError(`${file}:${line}:${column}: ${sentence}`);
  }
  return scenarios.length === files.length ? scenarios : undefined;
}

const advice = "name the file of a scenario";

async function readInput(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
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
function targetOf({ file, scenario: { target: name } }: ReadScenario, targets: readonly Target[]): Target {
  const [only, ...others] = targets;
  const found = name === undefined && others.length === 0 ? only : targets.find((each) => each.name === name);
  if (found !== undefined) return found;
  const [why, form] =
    name !== undefined
      ? [`is for the target ${name}, which is not there`, name]
      : [only === undefined ? "needs a target" : "names no target, and there are several; give one", "NAME"];
  throw new SettingsError(`${file} ${why}; type --target ${form}=tcp://HOST:PORT`);
}

/**
 * Asks on a terminal for a value. What is typed for a key is not shown.
 *
 * @returns `undefined` when Ctrl-C was pressed
 * @throws SettingsError where there is no terminal, and at the end of the input
 */
async function askValue(name: string, { input, out, errorOut }: Io): Promise<string | undefined> {
  const terminal = out.isTTY === true ? out : errorOut;
  const missing = new SettingsError(`the scenario needs a value for {{${name}}}; type --value ${name}=VALUE`);
  if (input.isTTY !== true || terminal.isTTY !== true) throw missing;
  let isShown = true;
  const echo = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      if (isShown) terminal.write(chunk);
      done();
    },
  });
  using typed = createInterface({ input, output: echo, terminal: true, historySize: 0 });
  const left = Promise.withResolvers<undefined>();
  typed.on("SIGINT", () => left.resolve(undefined));
  typed.on("close", () => left.reject(missing));
  const answer = typed.question(`${name}: `);
  isShown = name !== secretName;
  try {
    return await Promise.race([answer, left.promise]);
  } finally {
    if (!isShown) terminal.write("\n");
  }
}

/** `smtp.wire: held, 12 steps, 84 ms`, or where it ended and why. */
function reportLine({ file, scenario, ms, outcome }: Played): string {
  const { verdict, line, message = "" } = outcome;
  const { length } = scenario.steps;
  const how = verdict === "held" ? `held, ${length} ${length === 1 ? "step" : "steps"}, ${Math.round(ms)} ms` : message;
  return `${plainText(`${file}${line === undefined ? "" : `:${line}`}: ${how}`)}\n`;
}

/** The same, with each step that was taken. */
function reportJson({ file, target, outcome, ms, results, record }: Played): string {
  const { verdict, line = null, message = null } = outcome;
  const steps = results.map(({ step, atMs, ...result }) => ({
    line: step.line,
    source: step.source,
    ms: millisecondsSince(record, atMs),
    ...result,
  }));
  const rounded = Number(ms.toFixed(3));
  return jsonLine({ type: "play", file, target: target.name, verdict, line, message, ms: rounded, steps });
}
