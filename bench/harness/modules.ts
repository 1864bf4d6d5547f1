import { readdir } from "node:fs/promises";

/** The files of a folder with that ending, by their names without it. */
export async function findModules(folder: URL, ending: string): Promise<ReadonlyMap<string, URL>> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(ending)).toSorted();
  return new Map(files.map((file) => [file.slice(0, -ending.length), new URL(file, folder)]));
}
