/** Deletes and archivings: each finds its lines and rewrites the file without them [H-11]. They run one after another. */

import { closeSync, constants, rmSync } from "node:fs";
import { basename } from "node:path";
import { decodeText, decodeTime, encodeTime, timestampOf, type Keep } from "@wirebook/protocol";
import { assertLine, assertUnchanged, HistoryError } from "../errors.ts";
import type { Actor, Archived, AppendResult } from "../history.ts";
import { rewrite } from "./compaction.ts";
import { isFull, lineFeed, openLike, reasonOf, syncFile, syncFolderOf, writeFully } from "./disk.ts";
import type { Generation } from "./generation.ts";
import { besideOf } from "./rotation.ts";
import type { FileStorage } from "./storage.ts";

/** Bytes of a line that are read to know its timestamp: more than the 64 characters that `timestampOf` keeps can take. */
const timestampBytes = 512;

const dayMs = 86_400_000;
const timeBytes = "2026-11-22T20:31:05.123456Z".length;

export async function deleteLine(
  storage: FileStorage,
  by: Actor,
  line: number,
  expected: string | undefined,
): Promise<AppendResult> {
  const { generation, foreignWrites } = storage;
  assertLine(line, generation.lines);
  const start = await generation.startOf(line);
  const end = await generation.startOf(line + 1);
  const head = timestampOf(decodeText(await generation.read(start, Math.min(timestampBytes, end - start))));
  assertUnchanged(line, head, expected);
  return rewrite(storage, { start, end, result: { verb: "deleted-line", line, head } }, by, foreignWrites);
}

export function deleteAll(storage: FileStorage, by: Actor): Promise<AppendResult> {
  const all = { start: 0, end: Infinity, result: { verb: "deleted-all" } } as const;
  return rewrite(storage, all, by, storage.foreignWrites);
}

/** The lines are in a file of their own, durably, before the history lets go of them [H-17]. */
export async function archive(storage: FileStorage, by: Actor, keep: Keep): Promise<Archived> {
  const { generation, foreignWrites } = storage;
  const { rewritePieceBytes: pieceBytes } = storage.settings;
  const lines =
    "lines" in keep
      ? Math.max(0, generation.lines - keep.lines)
      : await countOlder(generation, encodeTime((Date.now() - keep.days * dayMs) * 1000), pieceBytes);
  if (lines === 0) return { lines, file: "" };
  const end = await generation.startOf(lines + 1);
  const path = besideOf(storage.path, "archived");
  const file = basename(path);
  await writeArchive(path, generation, end, pieceBytes);
  try {
    await rewrite(storage, { start: 0, end, result: { verb: "archived", lines, file } }, by, foreignWrites);
  } catch (error) {
    // After a failure of the disk, which file the name leads to is not known.
    if (storage.failure === undefined) rmSync(path, { force: true });
    throw error;
  }
  return { lines, file };
}

/** How many of the first lines come before a time. Times increase; external lines stay with the entries before them. */
async function countOlder(generation: Generation, time: string, pieceBytes: number): Promise<number> {
  let older = 0;
  let head = ""; // What is known of the line that begins here or began in a piece before.
  for await (const piece of generation.pieces(0, generation.bytes, pieceBytes)) {
    for (let start = 0; start < piece.length;) {
      head += piece.toString("latin1", start, start + timeBytes - head.length);
      if (head >= time && decodeTime(head) !== undefined) return older;
      const end = piece.indexOf(lineFeed, start);
      if (end < 0) break;
      older += 1;
      head = "";
      start = end + 1;
    }
  }
  return older;
}

async function writeArchive(path: string, generation: Generation, end: number, pieceBytes: number): Promise<void> {
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  let fd: number | undefined;
  try {
    fd = openLike(path, O_WRONLY | O_CREAT | O_EXCL, generation.fd);
    let at = 0;
    for await (const piece of generation.pieces(0, end, pieceBytes)) {
      await writeFully(fd, at, piece);
      at += piece.length;
    }
    await syncFile(fd);
    syncFolderOf(path);
  } catch (error) {
    if (fd !== undefined) rmSync(path, { force: true });
    const code = isFull(error) ? "storage-full" : "storage-failed";
    throw new HistoryError(code, `${path} cannot be written: ${reasonOf(error)}`, { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
