import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { decodeEntry } from "@wirebook/protocol";

/** How often each message stands in a history and in the files beside it that hold lines, compressed ones included. */
export async function messagesBeside(path: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await Promise.all((await filesBeside(path)).map(linesIn))).flat()) {
    const entry = decodeEntry(line);
    if (entry.kind === "request") counts.set(entry.message, (counts.get(entry.message) ?? 0) + 1);
  }
  return counts;
}

async function filesBeside(path: string): Promise<string[]> {
  const name = basename(path);
  const all = await readdir(dirname(path));
  return all
    .filter((each) => each.startsWith(name) && !/\.(?:lock|next)$/.test(each))
    .map((each) => join(dirname(path), each));
}

async function linesIn(path: string): Promise<string[]> {
  const bytes = await readFile(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().split("\n");
}
