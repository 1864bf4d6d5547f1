import { readdir } from "node:fs/promises";

/** The files of a folder with that ending, by their names without it. */
export async function findModules(folder: URL, ending: string): Promise<ReadonlyMap<string, URL>> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(ending)).toSorted();
  return new Map(files.map((file) => [file.slice(0, -ending.length), new URL(file, folder)]));
}

/** The modules of those names. @throws RangeError that lists the names there are, when there is none of that name */
export function pickModules(
  all: ReadonlyMap<string, URL>,
  names: readonly string[],
): readonly (readonly [string, URL])[] {
  return names.map((name) => {
    const url = all.get(name);
    if (url !== undefined) return [name, url] as const;
    throw new RangeError(`there is no ${JSON.stringify(name)}; type one of: ${[...all.keys()].join(", ")}`);
  });
}
