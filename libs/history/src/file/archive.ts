/**
 * An archive: the first lines of a history in a file of their own beside it, durable before the history lets go of
 * them [H-17].
 */

import { closeSync, constants, rmSync } from "node:fs";
import { decodeTime, encodeTime } from "@wirebook/protocol";
import type { Keep } from "@wirebook/protocol";
import { HistoryError } from "../errors.ts";
import { isFull, openLike, reasonOf, syncFile, syncFolderOf, writeFully } from "./disk.ts";
import type { Generation } from "./generation.ts";
import { besideOf } from "./rescue.ts";

const dayMs = 86_400_000;
const lineFeed = 0x0a;
const timeBytes = "2026-11-22T20:31:05.123456Z".length;

/** How many of the first lines an archiving takes that keeps so much. @throws HistoryError `storage-failed` */
export async function countLinesToArchive(generation: Generation, keep: Keep, pieceBytes: number): Promise<number> {
  const { lines, bytes } = generation;
  if ("lines" in keep) return Math.max(0, lines - keep.lines);
  const oldestKept = encodeTime((Date.now() - keep.days * dayMs) * 1000);
  let older = 0;
  let head = ""; // What is known of the line that begins here or began in a piece before.
  for (let at = 0; at < bytes; at += pieceBytes) {
    const piece = Buffer.from(await generation.read(at, Math.min(pieceBytes, bytes - at)));
    for (let start = 0; start < piece.length;) {
      head += piece.toString("latin1", start, start + timeBytes - head.length);
      // Times increase; external lines stay with the entries before them.
      if (head >= oldestKept && decodeTime(head) !== undefined) return older;
      const end = piece.indexOf(lineFeed, start);
      if (end < 0) break;
      older += 1;
      head = "";
      start = end + 1;
    }
  }
  return lines;
}

/**
 * Writes the bytes before an offset into a new file beside the history, durably; returns its path.
 *
 * @throws HistoryError `storage-full`, `storage-failed`; there is no such file then, and the history is as it was
 */
export async function writeArchive(
  historyPath: string,
  generation: Generation,
  end: number,
  pieceBytes: number,
): Promise<string> {
  const path = besideOf(historyPath, "archived");
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  let fd: number | undefined;
  try {
    fd = openLike(path, O_WRONLY | O_CREAT | O_EXCL, generation.fd);
    for (let at = 0; at < end; at += pieceBytes) {
      await writeFully(fd, at, await generation.read(at, Math.min(pieceBytes, end - at)));
    }
    await syncFile(fd);
    syncFolderOf(path);
    return path;
  } catch (error) {
    if (fd !== undefined) rmSync(path, { force: true });
    const code = isFull(error) ? "storage-full" : "storage-failed";
    throw new HistoryError(code, `${path} cannot be written: ${reasonOf(error)}`, { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
