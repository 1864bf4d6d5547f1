/** Keys are sought in texts piece by piece, since a cut or an escape may have left only a part of one. */

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Characters of a key whose appearance is a leak; a name or a number has fewer in a row. */
const pieceCharacters = 10;

/** What of the keys stands in which of the texts, as sentences. */
export function findLeaks(texts: ReadonlyMap<string, string>, keys: readonly string[]): string[] {
  const pieces = new Set(keys.flatMap(piecesOf));
  return [...texts].flatMap(([where, text]) => {
    const found = (text.match(/[0-9A-Za-z]+/g) ?? []).flatMap(piecesOf).find((piece) => pieces.has(piece));
    return found === undefined ? [] : [`${JSON.stringify(found)}, a piece of a key, is in ${where}`];
  });
}

/** Adds every file of a folder to the texts, by its path. */
export async function readAll(folder: string, texts: Map<string, string>): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) texts.set(path, await readFile(path, "utf8"));
  }
}

/** All that stands in so many neighbouring characters of a word, without regard to case. */
function piecesOf(word: string): string[] {
  const count = Math.max(0, word.length - pieceCharacters + 1);
  return Array.from({ length: count }, (_, at) => word.slice(at, at + pieceCharacters).toLowerCase());
}
