/** What `wirebook play` is told to do. */

import { parseTarget, TargetError } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { describeSettings, filledText, oneOf, readSettings, SettingsError } from "@wirebook/settings";
import type { SettingsOf, SettingsSource } from "@wirebook/settings";
import * as z from "zod/mini";
import { commonOptions, exportOption, fileOption, switchOption } from "../options.ts";

/** An option that may be given several times, each time with a name. */
function namedOption(env: string, form: string, example: string, help: string) {
  const schema = z.array(filledText);
  return {
    schema,
    default: [] as string[],
    env,
    form,
    expects: `${form}, such as ${example}`,
    help,
  } as const;
}

/** The options of `wirebook play`. */
export const playTable = {
  target: namedOption(
    "WIREBOOK_TARGETS",
    "NAME=URL",
    "mail=tcp://localhost:25",
    "a service that scenarios name; may be repeated",
  ),
  pace: {
    schema: oneOf(["recorded", "fast"] as const),
    default: "recorded",
    env: "WIREBOOK_PACE",
    form: "PACE",
    expects: "recorded or fast",
    help: "recorded waits where the scenario says wait, fast does not",
  },
  timeout: {
    ...commonOptions.timeout,
    help: "milliseconds to wait for the connection and for what is expected, in place of the scenario's timeout",
  },
  value: namedOption(
    "WIREBOOK_VALUES",
    "NAME=VALUE",
    "user=brick",
    "what a scenario sends for {{NAME}}; may be repeated",
  ),
  json: switchOption("WIREBOOK_JSON", "print JSON, one object for each scenario"),
  junit: fileOption("WIREBOOK_JUNIT", "report.xml", "write the results as JUnit XML; replaces an older file"),
  export: exportOption,
} as const;

/** The options, and the files of the scenarios; `-` is standard input. */
export interface PlayConfig extends Omit<SettingsOf<typeof playTable>, "target" | "value"> {
  readonly files: readonly string[];
  readonly targets: readonly Target[];
  readonly values: ReadonlyMap<string, string>;
}

/** What `wirebook play --help` prints. */
export const playHelp = `Usage: wirebook play [option…] FILE…

Plays scenarios: sends what they say, and checks what comes back. A scenario is a text
file (docs/reference/scenarios.md); - is standard input. wirebook connect URL --record FILE
writes one.

  wirebook play smtp.wire --target mail=tcp://localhost:25
  wirebook play *.wire --target mail=tls://localhost:465?ca=FILE --junit report.xml

Options
${describeSettings(playTable)}
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

/**
 * Reads the command line of `wirebook play`; `undefined` when it asks for help.
 *
 * @throws SettingsError with a sentence that says what to type instead
 */
export function readPlayConfig(source: SettingsSource): PlayConfig | undefined {
  const { settings, words, isHelp } = readSettings(playTable, source);
  if (isHelp) return undefined;
  const files = words.slice(1);
  if (files.length === 0) {
    throw new SettingsError("play needs a scenario; type wirebook play FILE --target NAME=URL");
  }
  if (files.indexOf("-") !== files.lastIndexOf("-")) {
    throw new SettingsError("- is there twice, and standard input can be read once; name files instead");
  }
  return { ...settings, files, targets: readTargets(settings.target), values: new Map(settings.value.map(readValue)) };
}

function readTargets(texts: readonly string[]): Target[] {
  try {
    const targets = texts.map(parseTarget);
    const twice = targets.find(({ name }, at) => targets.findIndex((each) => each.name === name) < at);
    if (twice === undefined) return targets;
    throw new SettingsError(`--target ${twice.name} is there twice; type it once`);
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    throw new SettingsError(`--target: ${error.message}`, { cause: error });
  }
}

/** What stands behind the = may be a key, so it is not repeated. */
function readValue(text: string): [name: string, value: string] {
  const [, name, value] = /^([a-z][\w-]*)=(.*)$/is.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new SettingsError("--value has no name that a scenario could have; type NAME=VALUE, such as user=brick");
}
