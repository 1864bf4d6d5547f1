/**
 * `wirebook play`: plays one scenario after the other. All files are read and all values asked for before anything is
 * connected, so that a mistake in the last file does not leave half of the others played.
 */

import { createInterface } from "node:readline/promises";
import { parseTarget, type Target } from "@wirebook/net";
import { decodeText, plainText } from "@wirebook/protocol";
import { findValuesProblem, parseScenario, scenarioBytesMax, secretName, type Scenario } from "@wirebook/scenario";
import {
  choiceOption,
  describeSettings,
  filledText,
  like,
  listOption,
  readSmallFile,
  SettingsError,
  switchOption,
} from "@wirebook/settings";
import { exitCodes, exportOption, timeoutOption, withoutProxy, type Command, type Io } from "./command.ts";
import { closeFiles, exportedLine, openExportFile } from "./output/files.ts";
import { jsonLine, millisecondsSince } from "./output/views.ts";
import { playScenario, type Played } from "./play-scenario.ts";

const table = {
  target: listOption(
    like("NAME=URL", "mail=tcp://localhost:25", filledText),
    "WIREBOOK_TARGETS",
    "a service that scenarios name",
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
    like("NAME=VALUE", "user=brick", filledText),
    "WIREBOOK_VALUES",
    "what a scenario sends for {{NAME}}",
  ),
  json: switchOption("WIREBOOK_JSON", "print JSON, one object for each scenario"),
  export: exportOption,
} as const;

const help = `Usage: wirebook play [option…] FILE…

Plays scenarios: sends what they say, and checks what comes back. A scenario is a text
file (docs/reference/scenarios.md). wirebook connect URL --record FILE writes one.

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
              "interrupted","line":…|null,"message":…|null,"ms":…,"steps":[…]}; each of its
              steps is {"line":…,"source":…,"state":…,"isFromTarget":…,"from":…,"to":…,"ms":…}

Exit codes
  0    every scenario held
  1    an expectation failed
  2    wrong use, a malformed scenario (FILE:LINE:COLUMN: what is wrong), or a missing value;
       nothing was connected
  3    cannot connect, the connection broke, or a file cannot be written
  4    timed out
  130  interrupted
  Of several scenarios the highest code counts.
`;

const exitCodeOf = {
  held: exitCodes.done,
  failed: exitCodes.negative,
  "timed-out": exitCodes.timedOut,
  broken: exitCodes.unreachable,
  interrupted: exitCodes.interrupted,
} as const satisfies Record<Played["outcome"]["verdict"], number>;

export const play: Command<typeof table> = {
  table,
  help,
  async run({ pace, timeout, json, target, value, export: exportPath }, files, io) {
    if (files.length === 0) throw new SettingsError("play needs a scenario; type wirebook play FILE --target NAME=URL");
    const targets = target.map((text) => withoutProxy(parseTarget(text)));
    const given = new Map(value.map(readValue));
    const read = files.flatMap((file) => readScenario(file, io.printError) ?? []);
    if (read.length < files.length) return exitCodes.usage;
    const scenarios = read.map((each) => ({ ...each, target: targetOf(each.file, each.scenario, targets) }));
    for (const name of new Set(scenarios.flatMap(({ scenario }) => scenario.asks))) {
      const typed = given.get(name) ?? (await askValue(name, io));
      if (typed === undefined) return exitCodes.interrupted;
      given.set(name, typed);
    }
    const plays = scenarios.map((each) => {
      // What a scenario does not ask for it keeps itself, whatever another one is given under that name.
      const values = new Map([...given].filter(([name]) => each.scenario.asks.includes(name)));
      const problem = findValuesProblem(each.scenario, values);
      if (problem !== undefined) throw new SettingsError(problem);
      return { ...each, options: { values, pace, timeoutMs: timeout } };
    });

    const exported = exportPath === undefined ? undefined : openExportFile(exportPath, io.program);
    let code: number = exitCodes.done;
    for (const { file, scenario, target: to, options } of plays) {
      const played = await playScenario(scenario, to, options, io);
      io.out.write(json ? reportJson(file, to.name, played) : reportLine(file, scenario, played));
      exported?.write(exportedLine(played.record, to));
      code = Math.max(code, exitCodeOf[played.outcome.verdict]);
      if (code === exitCodes.interrupted) break;
    }
    return closeFiles([exported], code, io.printError);
  },
};

/** What stands behind the = may be a key, so it is not repeated. */
function readValue(text: string): [name: string, value: string] {
  const [, name, value] = /^([a-z][\w-]*)=(.*)$/is.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new SettingsError("--value has no name that a scenario could have; type NAME=VALUE, such as user=brick");
}

function readScenario(file: string, printError: Io["printError"]) {
  const bytes = readSmallFile(file, file, scenarioBytesMax, "name the file of a scenario");
  const parsed = parseScenario(decodeText(bytes));
  if ("scenario" in parsed) return { file, ...parsed };
  for (const { line, column, sentence } of parsed.problems) printError(`${file}:${line}:${column}: ${sentence}`);
  return undefined;
}

function targetOf(file: string, { target: name }: Scenario, targets: readonly Target[]): Target {
  const [only, ...others] = targets;
  const found = name === undefined && others.length === 0 ? only : targets.find((each) => each.name === name);
  if (found !== undefined) return found;
  const which = name === undefined ? "needs one target" : `is for the target ${name}, which is not there`;
  throw new SettingsError(`${file} ${which}; type --target ${name ?? "NAME"}=tcp://HOST:PORT`);
}

/** Asks on a terminal for a value, a key without an echo; `undefined` after Ctrl-C. @throws SettingsError */
async function askValue(name: string, { input, out, errorOut }: Io): Promise<string | undefined> {
  const terminal = out.isTTY === true ? out : errorOut;
  const missing = new SettingsError(`the scenario needs a value for {{${name}}}; type --value ${name}=VALUE`);
  if (input.isTTY !== true || terminal.isTTY !== true) throw missing;
  const isSecret = name === secretName;
  using typed = createInterface({ input, terminal: true, historySize: 0, ...(!isSecret && { output: terminal }) });
  const left = Promise.withResolvers<undefined>();
  typed.on("SIGINT", () => left.resolve(undefined));
  typed.on("close", () => left.reject(missing));
  if (isSecret) terminal.write(`${name}: `);
  const answer = await Promise.race([typed.question(isSecret ? "" : `${name}: `), left.promise]);
  if (isSecret) terminal.write("\n");
  return answer;
}

/** `smtp.wire: held, 12 steps, 84 ms`, or where it ended and why. */
function reportLine(file: string, scenario: Scenario, { ms, outcome }: Played): string {
  const { verdict, line, message = "" } = outcome;
  const { length } = scenario.steps;
  const how = verdict === "held" ? `held, ${length} ${length === 1 ? "step" : "steps"}, ${Math.round(ms)} ms` : message;
  return `${plainText(`${file}${line === undefined ? "" : `:${line}`}: ${how}`)}\n`;
}

function reportJson(file: string, target: string, { outcome, ms, results, record }: Played): string {
  const { verdict, line = null, message = null } = outcome;
  const steps = results.map(({ step, atMs, ...result }) => ({
    line: step.line,
    source: step.source,
    ms: millisecondsSince(record, atMs),
    ...result,
  }));
  const played = { verdict, line, message, ms: Number(ms.toFixed(3)), steps };
  return jsonLine({ type: "play", file, target, ...played });
}
