import type { Span } from "../span.ts";

/** A line of a reply as it lies in one chunk; one that was cut goes on in the next. */
export interface ChunkLine {
  /** Without its line feed. */
  readonly bytes: Uint8Array;
  /** With its line feed. */
  readonly span: Span;
}

const lineFeed = 0x0a;

/** The first lines of a chunk that begins at an offset of the reply. */
export function linesOf(chunk: Uint8Array, offset: number, linesMax: number): readonly ChunkLine[] {
  const lines: ChunkLine[] = [];
  let from = 0;
  while (from < chunk.length && lines.length < linesMax) {
    const feed = chunk.indexOf(lineFeed, from);
    const end = feed < 0 ? chunk.length : feed;
    const to = feed < 0 ? chunk.length : feed + 1;
    lines.push({
      bytes: chunk.subarray(from, end),
      span: { stream: "received", from: offset + from, to: offset + to },
    });
    from = to;
  }
  return lines;
}
