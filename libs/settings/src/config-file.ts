/**
 * The configuration file: what the commands of a folder, or a unit, would otherwise repeat.
 *
 *     { "server": { "port": 5017 }, "gateway": { "target": ["mail=tcp://127.0.0.1:25"] }, "client": { "port": 5017 } }
 *
 * A section has options under their own names, without the hyphens before them. Texts and numbers are read as on the command
 * line. A switch is true or false, and an option that may be repeated takes a list.
 */

import { cut, SettingsError } from "./settings-error.ts";
import { readSmallFile } from "./small-file.ts";

/** The file that is read, where it exists, when none is named. */
export const configFileDefault = "wirebook.config.json";

/** Bytes of the file: a thousand settings. */
const fileBytesMax = 64 * 1024;

/** Each has the name of the command whose help lists its options. */
const sections = ["server", "gateway", "client"] as const;

export type SectionName = (typeof sections)[number];

/** What the file says, by option, and where it says so. */
export interface FileValues {
  readonly values: Readonly<Record<string, unknown>>;
  readonly place: string;
}

/** Of a program that reads none. */
export const noFile: FileValues = { values: {}, place: "no file" };

/**
 * Reads a section of the file; without the file it is empty.
 *
 * @param named the file that the user names
 * @param options all that may stand in the section
 * @throws SettingsError when a file that is named cannot be read, and for whatever is no setting in it
 */
export function readConfigFile(
  named: string | undefined,
  section: SectionName,
  options: ReadonlySet<string>,
): FileValues {
  const path = named ?? configFileDefault;
  const file = asObject(parse(path, readText(path, named !== undefined)), path);
  const unknown = Object.keys(file).find((name) => !sections.some((each) => each === name));
  if (unknown !== undefined) {
    const names = sections.join(", ");
    throw new SettingsError(`${path} has an unknown section ${quote(unknown)}; the sections are ${names}`);
  }
  const place = `"${section}" of ${path}`;
  const values = asObject(file[section] ?? {}, place);
  const strange = Object.keys(values).find((name) => !options.has(name));
  if (strange === undefined) return { values, place };
  throw new SettingsError(`${quote(strange)} in ${place} is not an option; see wirebook help ${section}`);
}

function readText(path: string, isNamed: boolean): string {
  try {
    return readSmallFile(path, path, fileBytesMax, "name another file with --config").toString();
  } catch (error) {
    const { code } = ((error as SettingsError).cause ?? {}) as NodeJS.ErrnoException;
    if (code === "ENOENT" && !isNamed) return "{}";
    throw error;
  }
}

function parse(path: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    const doubled = findDoubled(text);
    if (doubled === undefined) return value;
    throw new SettingsError(`${path} has ${quote(doubled)} twice in one object; leave one of them`);
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    // What is quoted from the file may be a password.
    const problem = (error as Error).message.replace(/, (?:\.\.\.)?".*/s, "");
    throw new SettingsError(`${path} is not JSON: ${problem}`, { cause: error });
  }
}

/** A name that an object of a JSON text has twice: the parser would leave out the first, which may be who is let in. */
function findDoubled(json: string): string | undefined {
  const names: Set<string>[] = [];
  for (const [token, name] of json.matchAll(/("(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === "{") names.push(new Set());
    else if (token === "}") names.pop();
    else if (name !== undefined) {
      const read = JSON.parse(name) as string;
      if (names.at(-1)?.has(read) === true) return read;
      names.at(-1)?.add(read);
    }
  }
  return undefined;
}

function quote(name: string): string {
  return JSON.stringify(cut(name));
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new SettingsError(`${what} is not an object; type for example {"server": {"port": 5017}}`);
}
