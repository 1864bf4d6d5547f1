/**
 * How a program is told what to do: options, else environment variables, else defaults, read once into a frozen object.
 * Nothing here touches `process`: argv and the environment are passed in.
 */

import { parseArgs } from "node:util";
import type { ZodMiniType } from "zod/mini";

/** The user's mistake on the command line, in the environment or in a file; the message says what to type instead. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** One setting. Its option is its name in kebab-case: `trustProxy` is `--trust-proxy`. */
export interface Setting<Value> {
  /**
   * Reads the text (or, for a list, the texts) that the user gave; a switch is given `true`. It may throw a `SettingsError`
   * whose message follows the setting's name.
   */
  readonly schema: ZodMiniType<Value>;
  /** Where it is a list, the option may be given several times. */
  readonly default: Value;
  /** The environment variable that is read when the option is absent; a list is separated by commas there. */
  readonly env: string;
  /** What stands for the value in the help, such as `PORT`; empty for a switch. */
  readonly form: string;
  /** Completes "type …" in the sentence about a wrong value. */
  readonly expects: string;
  readonly help: string;
}

export type SettingsTable = { readonly [name: string]: Setting<unknown> };

export type SettingsOf<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never;
};

/** Where settings come from, as `process` has them; `argv` is without the program's own name. */
export interface SettingsSource {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told in a sentence of a variable that is ignored. */
  readonly onNotice?: (sentence: string) => void;
}

/**
 * Names a setting as whoever gave it, with a value as it is typed there: `--host ::1`, or `WIREBOOK_HOST=::1` where the value
 * comes from the variable. A sentence that blames a setting, or says what to type, takes its name from here.
 */
export type NameOf<Name extends string> = (name: Name, value?: string | number) => string;

/** What the command line said. With `--help` the values are the defaults: the user may need help with a wrong one. */
export interface Invocation<Table extends SettingsTable> {
  readonly settings: SettingsOf<Table>;
  /** The options among them, such as `--port`. The environment is not: its variables may be for another program. */
  readonly options: readonly string[];
  readonly words: readonly string[];
  readonly isHelp: boolean;
  readonly nameOf: NameOf<keyof Table & string>;
}

/** @throws SettingsError for an unknown option, a missing or a wrong value */
export function readSettings<const Table extends SettingsTable>(
  table: Table,
  source: SettingsSource,
): Invocation<Table> {
  const { values, positionals } = parseStrictly(table, source.argv);
  const isHelp = values["help"] === true;
  const nameOf: NameOf<string> = (name, value) => {
    const { env } = table[name] as Setting<unknown>;
    const isVariable = values[optionOf(name)] === undefined && (source.env[env] ?? "") !== "";
    const [named, sign] = isVariable ? [env, "="] : [`--${optionOf(name)}`, " "];
    return value === undefined ? named : named + sign + value;
  };
  const settings = Object.entries(table).map(([name, setting]) => {
    const option = optionOf(name);
    return [name, isHelp ? setting.default : readOne(option, nameOf(name), setting, values[option], source)];
  });
  return {
    settings: Object.freeze(Object.fromEntries(settings)) as SettingsOf<Table>,
    options: Object.keys(values).map((option) => `--${option}`),
    words: positionals.map(reveal),
    isHelp,
    nameOf,
  };
}

/** For a program that takes options alone; `undefined` when the user asked for help. @throws SettingsError */
export function readOptions<const Table extends SettingsTable>(table: Table, source: SettingsSource) {
  const invocation = readSettings(table, source);
  if (invocation.isHelp) return undefined;
  const [word] = invocation.words;
  if (word === undefined) return invocation;
  throw new SettingsError(`${JSON.stringify(cut(withoutUserinfo(word)))} is not an option; see --help`);
}

/** The options of one part of a table, as words for another program: `--option=value` where it has a value. */
export function selectOptions(table: SettingsTable, argv: readonly string[], part: SettingsTable): string[] {
  const { tokens } = parseArgs({ ...parserOf(table, argv), strict: false, tokens: true });
  const names = new Set(Object.keys(part).map(optionOf));
  return tokens.flatMap((token) => {
    if (token.kind !== "option" || !names.has(token.name)) return [];
    return token.value === undefined ? token.rawName : `${token.rawName}=${reveal(token.value)}`;
  });
}

/** The lines of help for a table, each ending in a line feed. */
export function describeSettings(table: SettingsTable): string {
  const rows = Object.entries(table).map(([name, { form, help, env, default: value }]) => {
    const shown = value === undefined || value === false ? "" : [value].flat().map(String).join(",");
    return [`  --${optionOf(name)} ${form}`.trimEnd(), `${help} (${env}${shown && `, ${shown}`})`] as const;
  });
  const width = Math.max(...rows.map(([option]) => option.length));
  return [...rows, ["  --help", "print this help"] as const]
    .flatMap(([option, help]) =>
      wrap(help, 80 - width - 2).map((line, at) => `${(at === 0 ? option : "").padEnd(width)}  ${line}\n`),
    )
    .join("");
}

function wrap(text: string, columns: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = `${lines.at(-1)} ${word}`.trim();
    if (line.length <= columns) lines[lines.length - 1] = line;
    else lines.push(word);
  }
  return lines;
}

/** A negative number is a word, not an option; parseArgs needs it hidden behind a character that no argument can hold. */
const hidden = "\0";

const reveal = (word: string): string => word.replace(hidden, "");

function parserOf(table: SettingsTable, argv: readonly string[]) {
  const options = Object.entries(table).map(([name, { form, default: value }]) => [
    optionOf(name),
    { type: form === "" ? "boolean" : "string", multiple: Array.isArray(value) } as const,
  ]);
  return {
    args: argv.map((word) => (/^-\d/.test(word) ? `${hidden}${word}` : word)),
    options: { ...Object.fromEntries(options), help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  } as const;
}

type Given = string | boolean | (string | boolean)[] | undefined;

function parseStrictly(table: SettingsTable, argv: readonly string[]) {
  try {
    const { values, positionals } = parseArgs(parserOf(table, argv));
    return { values: values as Record<string, Given>, positionals };
  } catch (error) {
    throw new SettingsError(`${explain(error as NodeJS.ErrnoException)}; see --help`, { cause: error });
  }
}

/** What `parseArgs` throws, in the words of most programs. */
function explain({ code, message }: NodeJS.ErrnoException): string {
  const [, option = "", form = ""] = /^\w* ?[Oo]ption '(?:-\w, )?(--?[^' ]*)( <value>)?/.exec(message) ?? [];
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return `unknown option ${cut(option)}`;
  if (code !== "ERR_PARSE_ARGS_INVALID_OPTION_VALUE" || option === "") return message;
  return message.includes("does not take") && form === "" ? `${option} takes no value` : `${option} needs a value`;
}

function readOne(
  option: string,
  where: string,
  setting: Setting<unknown>,
  given: Given,
  source: SettingsSource,
): unknown {
  const value = given ?? fromEnvironment(option, setting, source);
  if (value === undefined) return setting.default;
  try {
    const result = setting.schema.safeParse(typeof value === "string" ? reveal(value) : value);
    if (result.success) return result.data;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new SettingsError(`${where}: ${error.message}`, { cause: error.cause });
  }
  const shown = [value].flat().map((each) => JSON.stringify(cut(withoutUserinfo(reveal(String(each))))));
  throw new SettingsError(`${where} is ${shown.join(", ")}; type ${setting.expects}`);
}

/** Kubernetes tells each container of a Service (and Docker of a link) named `x-y` by `X_Y_PORT=tcp://10.96.0.12:5007`. */
const serviceLink = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/;

function fromEnvironment(option: string, setting: Setting<unknown>, { env, onNotice }: SettingsSource): Given {
  const text = env[setting.env] ?? "";
  if (text === "") return undefined;
  if (setting.env.endsWith("_PORT") && serviceLink.test(text)) {
    const what = `${setting.env} is ${cut(JSON.stringify(text))}, which Kubernetes or Docker sets for a service of that name`;
    onNotice?.(`${what}; it is ignored, and --${option} is ${String(setting.default)}`);
    return undefined;
  }
  if (Array.isArray(setting.default)) return text.split(",").map((part) => part.trim());
  return setting.form === "" ? readSwitch(setting.env, text) : text;
}

/** A word that is neither is refused: taken for yes, a misspelt `off` would open what it is meant to close. */
function readSwitch(variable: string, text: string): boolean {
  const word = text.toLowerCase();
  if (["1", "true", "yes", "on"].includes(word)) return true;
  if (["0", "false", "no", "off"].includes(word)) return false;
  throw new SettingsError(`${variable} is ${JSON.stringify(cut(text))}; type 1 or 0`);
}

function optionOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The text with `…` for each user and password that stand before the host of an address. */
export function withoutUserinfo(text: string): string {
  return text.replaceAll(/:\/\/\S*@/g, "://…@");
}

/** Characters of a value that an error repeats. */
const shownCharactersMax = 40;

function cut(text: string): string {
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}…`;
}
