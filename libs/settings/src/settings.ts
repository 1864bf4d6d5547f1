/**
 * How a program is told what to do: options, else environment variables, else the configuration file, else defaults, read
 * once into a frozen object.
 *
 * Each setting is declared with a zod schema that reads its text, and with the words for its line of help and for the
 * sentence that a wrong value gets. Nothing here touches `process`: argv and the environment are passed in.
 */

import { parseArgs } from "node:util";
import type { ZodMiniType } from "zod/mini";
import { configFileDefault, noFile, readConfigFile } from "./config-file.ts";
import type { FileValues, SectionName } from "./config-file.ts";
import { cut, SettingsError } from "./settings-error.ts";

/** One setting. Its option is its name in kebab-case: `trustProxy` is `--trust-proxy`. */
export interface Setting<Value> {
  /** Reads the text (or, for a list, the texts) that the user gave; a switch is given `true`. */
  readonly schema: ZodMiniType<Value>;
  readonly default: Value;
  /** The environment variable that is read when the option is absent; a list is separated by commas there. */
  readonly env: string;
  /** What stands for the value in the help, such as `PORT`; empty for a switch. */
  readonly form: string;
  /** Completes "type …" in the sentence about a wrong value. */
  readonly expects: string;
  readonly help: string;
  /** True when the option may be given several times. */
  readonly isList?: boolean;
}

export type SettingsTable = { readonly [name: string]: Setting<unknown> };

export type SettingsOf<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never;
};

/** Where settings come from, as `process` has them. */
export interface SettingsSource {
  /** Without the program's own name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The section of the configuration file that is for this program; without it no file is read. */
  readonly section?: SectionName;
  /** True for a program that sends keys where its settings say: in somebody else's folder, it reads no file that lies there. */
  readonly isFileNamed?: boolean;
  /** All options of that section, where several programs share it. */
  readonly sectionTable?: SettingsTable;
  /** Told in a sentence of a variable that is ignored. */
  readonly onNotice?: (sentence: string) => void;
}

/**
 * What the command line said: the values, the words that are no options, and whether `--help` was among them. The
 * values are the defaults when it was.
 */
export interface Invocation<Table extends SettingsTable> {
  readonly settings: SettingsOf<Table>;
  /** The options among them, such as `--port`. The environment is not: its variables may be for another program. */
  readonly options: readonly string[];
  readonly words: readonly string[];
  readonly isHelp: boolean;
}

/**
 * Reads the settings of a program.
 *
 * @throws SettingsError for an unknown option, a missing or a wrong value
 */
export function readSettings<const Table extends SettingsTable>(
  table: Table,
  source: SettingsSource,
): Invocation<Table> {
  const { values, positionals } = parse(table, source.argv);
  const isHelp = values.help === true;
  // Whoever asks for help may have just that wrong value; the defaults stand in then.
  const file = isHelp ? noFile : readSection(table, values.config ?? source.env[configVariable], source);
  const read = (name: string, setting: Setting<unknown>): unknown =>
    isHelp ? setting.default : readOne(name, setting, values[optionOf(name)], source, file);
  const settings = Object.fromEntries(Object.entries(table).map(([name, setting]) => [name, read(name, setting)]));
  const options = Object.keys(values).map((option) => `--${option}`);
  return { settings: Object.freeze(settings) as SettingsOf<Table>, options, words: positionals, isHelp };
}

/** The variable that names the configuration file, as `--config` does. */
const configVariable = "WIREBOOK_CONFIG";

function readSection(
  table: SettingsTable,
  named: Given,
  { section, isFileNamed = false, sectionTable = table }: SettingsSource,
): FileValues {
  const path = typeof named === "string" && named !== "" ? named : undefined;
  if (section === undefined || (isFileNamed && path === undefined)) return noFile;
  return readConfigFile(path, section, new Set(Object.keys(sectionTable).map(optionOf)));
}

/**
 * The first word that is no option, unless it stands behind `--`: where a program with subcommands finds their names.
 *
 * @param table the options of all subcommands, since a word may be the value of one
 */
export function findFirstWord(table: SettingsTable, argv: readonly string[]): string | undefined {
  const { tokens } = parseArgs({ ...parserOf(table, argv), strict: false, tokens: true });
  const first = tokens.find(({ kind }) => kind !== "option");
  return first?.kind === "positional" ? first.value.replace(hidden, "") : undefined;
}

/**
 * The words of a command line that are options of one part of a table, `--option=value` where it has a value: for a program
 * that starts another one with them. `--config` is an option of every part.
 */
export function selectOptions(table: SettingsTable, argv: readonly string[], part: SettingsTable): string[] {
  const { tokens } = parseArgs({ ...parserOf(table, argv), strict: false, tokens: true });
  const names = new Set(["config", ...Object.keys(part).map(optionOf)]);
  return tokens.flatMap((token) => {
    if (token.kind !== "option" || !names.has(token.name)) return [];
    return token.value === undefined ? [token.rawName] : [`${token.rawName}=${token.value.replace(hidden, "")}`];
  });
}

/** The lines of help for a table, each ending in a line feed. */
export function describeSettings(
  table: SettingsTable,
  { isFileNamed = false }: Pick<SettingsSource, "isFileNamed"> = {},
): string {
  const rows = Object.entries(table).map(([name, setting]) => [
    `  --${optionOf(name)} ${setting.form}`.trimEnd(),
    `${setting.help} (${setting.env}${describeDefault(setting.default)})`,
  ]);
  const width = Math.max(...rows.map(([option = ""]) => option.length));
  const describe = ([option = "", help = ""]: string[]): string =>
    wrap(help, helpColumns - width - 2)
      .map((line, index) => `${(index === 0 ? option : "").padEnd(width)}  ${line}\n`)
      .join("");
  const common = [
    ["  --config FILE", `file with settings (${configVariable}${isFileNamed ? "" : `, ${configFileDefault}`})`],
    ["  --help", "print this help"],
  ];
  return [...rows, ...common].map(describe).join("");
}

/** Columns of a terminal that shows the help. */
const helpColumns = 80;

function wrap(text: string, columns: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = `${lines.at(-1)} ${word}`.trim();
    if (line.length <= columns) lines[lines.length - 1] = line;
    else lines.push(word);
  }
  return lines;
}

/** What a source says of a setting; only the file can have anything else. */
type Given = unknown;

/** A negative number is a word, not an option; parseArgs needs it hidden behind a character that no argument can hold. */
const hidden = "\0";

function parse(
  table: SettingsTable,
  argv: readonly string[],
): { values: Record<string, Given>; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs(parserOf(table, argv));
    return { values, positionals: positionals.map((word) => word.replace(hidden, "")) };
  } catch (error) {
    throw new SettingsError(`${explain(error as NodeJS.ErrnoException)}; see --help`, { cause: error });
  }
}

function parserOf(table: SettingsTable, argv: readonly string[]) {
  const options = Object.entries(table).map(([name, { form, isList }]) => [
    optionOf(name),
    { type: form === "" ? "boolean" : "string", multiple: isList ?? false } as const,
  ]);
  return {
    args: argv.map((word) => (/^-\d/.test(word) ? `${hidden}${word}` : word)),
    options: { ...Object.fromEntries(options), config: { type: "string" }, help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  } as const;
}

/** What `parseArgs` throws, in the words of most programs. */
function explain({ code, message }: NodeJS.ErrnoException): string {
  const [, option = "", form = ""] = /^\w* ?[Oo]ption '(?:-\w, )?(--?[^' ]*)( <value>)?/.exec(message) ?? [];
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return `unknown option ${cut(option)}`;
  if (code !== "ERR_PARSE_ARGS_INVALID_OPTION_VALUE" || option === "") return message;
  return message.includes("does not take") && form === "" ? `${option} takes no value` : `${option} needs a value`;
}

function readOne(
  name: string,
  setting: Setting<unknown>,
  given: Given,
  source: SettingsSource,
  file: FileValues,
): unknown {
  const option = optionOf(name);
  const fromFile = asTyped(setting, file.values[option]);
  const fromEnv = given === undefined ? fromEnvironment(name, setting, source, fromFile) : undefined;
  const value = given ?? fromEnv ?? fromFile;
  if (value === undefined) return setting.default;
  const result = setting.schema.safeParse(typeof value === "string" ? value.replace(hidden, "") : value);
  if (result.success) return result.data;
  const shown = [value].flat().map((each) => {
    const text = typeof each === "string" ? each.replaceAll(hidden, "") : JSON.stringify(each);
    return JSON.stringify(cut(withoutUserinfo(text)));
  });
  if (given === undefined && fromEnv === undefined) {
    const expects = setting.form === "" ? "true or false" : setting.expects;
    throw new SettingsError(`"${option}" in ${file.place} is ${shown.join(", ")}; type ${expects}`);
  }
  const where = given === undefined ? setting.env : `--${option}`;
  throw new SettingsError(`${where} is ${shown.join(", ")}; type ${setting.expects}`);
}

/** A value of the file as the command line would give it: a number as text, and a list of what may be repeated. */
function asTyped({ isList, form }: Setting<unknown>, value: unknown): Given {
  const asText = (each: unknown): unknown => (typeof each === "number" && form !== "" ? String(each) : each);
  return isList === true && value !== undefined ? [value].flat().map(asText) : asText(value);
}

/** The text with `…` for each user and password that stand before the host of an address. */
export function withoutUserinfo(text: string): string {
  return text.replaceAll(/:\/\/\S*@/g, "://…@");
}

/** Kubernetes tells each container of a Service (and Docker of a link) named `x-y` by `X_Y_PORT=tcp://10.96.0.12:5007`. */
const serviceLink = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/;

function fromEnvironment(
  name: string,
  setting: Setting<unknown>,
  { env, onNotice }: SettingsSource,
  otherwise: Given = setting.default,
): Given {
  const text = env[setting.env] ?? "";
  if (text === "") return undefined;
  if (setting.env.endsWith("_PORT") && serviceLink.test(text)) {
    const option = `--${optionOf(name)}`;
    onNotice?.(
      `${setting.env} is ${cut(JSON.stringify(text))}, which Kubernetes or Docker sets for a service ` +
        `of that name; it is ignored, and ${option} is ${String(otherwise)}`,
    );
    return undefined;
  }
  if (setting.isList) return text.split(",").map((part) => part.trim());
  return setting.form === "" ? !["0", "false", "no"].includes(text.toLowerCase()) : text;
}

function optionOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function describeDefault(value: unknown): string {
  if (value === undefined || value === false || value === "" || (Array.isArray(value) && value.length === 0)) return "";
  return `, ${Array.isArray(value) ? value.join(",") : (value as string | number)}`;
}
