import { indexBlockBytesDefault, openPieceBytes } from "../limits.ts";
import { readInto } from "./disk.ts";
import { LineIndex } from "./line-index.ts";
import type { FileHistoryOptions } from "./options.ts";

/** Indexes a file of so many bytes: a thread reads one piece while this one counts the line feeds of the piece before. */
export async function indexFile(fd: number, bytes: number, options: FileHistoryOptions): Promise<LineIndex> {
  const index = new LineIndex(options.indexBlockBytes ?? indexBlockBytesDefault);
  let position = 0;
  const readPiece = async (buffer: Uint8Array): Promise<Uint8Array> => {
    const piece = buffer.subarray(0, bytes - position);
    position += piece.length;
    await readInto(piece, fd, position - piece.length);
    return piece;
  };
  let [buffer, other] = [createPiece(bytes), createPiece(bytes)];
  let reading = readPiece(buffer);
  while (index.bytes < bytes) {
    const piece = await reading;
    [buffer, other] = [other, buffer];
    reading = readPiece(buffer);
    index.add(piece);
  }
  await reading;
  return index;
}

function createPiece(bytes: number): Uint8Array {
  return new Uint8Array(Math.min(openPieceBytes, bytes));
}
