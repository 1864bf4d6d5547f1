/**
 * Line feeds in bytes: the two loops in which opening, indexing and seeking spend their time.
 *
 * Opening a history is counting its line feeds. A loop in JavaScript takes about ten times as long as `wc -l`. A function
 * of WebAssembly that counts sixteen bytes at a time, and the copying into its memory, take less than the reading
 * (docs/performance.md).
 */

const vectorBytes = 16;
const lineFeed = 0x0a;

/**
 * The module, as in chapter 5 of WebAssembly Core 2.0: bytes on the left, what they say on the right. It exports its memory
 * and count($at, $end), the line feeds in the memory between two offsets: at least one vector, and whole vectors only.
 * After 255 vectors the 8-bit lanes could overflow, so each 4,080 bytes have a sum of their own.
 */
const listing = `
00 61 73 6d 01 00 00 00                                  ;; "\\0asm", version 1
01 07 01 60 02 7f 7f 01 7f                               ;; types: (i32, i32) -> i32
03 02 01 00                                              ;; functions: one of that type
05 03 01 00 01                                           ;; memories: one page of 64 KiB
07 12 02 06 6d 65 6d 6f 72 79 02 00                      ;; exports: "memory"
05 63 6f 75 6e 74 00 00                                  ;;          "count"
0a 7f 01 7d 03 01 7f 01 7b 01 7b                         ;; code: locals $pause i32, $found and $total v128
03 40                                                    ;; loop
  20 00 41 f0 1f 6a 22 02 20 01 20 02 20 01 49 1b 21 02  ;;   $pause = min($at + 4080, $end)
  fd 0c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ;;   v128.const 0
  21 03                                                  ;;   $found = it
  03 40                                                  ;;   loop
    20 03 20 00 fd 00 00 00                              ;;     $found, v128.load $at
    41 0a fd 0f fd 23 fd 71 21 03                        ;;     $found -= (lanes == 0x0a), which is -1 where equal
    20 00 41 10 6a 22 00                                 ;;     $at += 16
    20 02 49 0d 00 0b                                    ;;     repeat while $at < $pause
  20 04 20 03 fd 7d fd 7f fd ae 01 21 04                 ;;   $total += $found, its lanes added up by fours
  20 00 20 01 49 0d 00 0b                                ;;   repeat while $at < $end
20 04 fd 1b 00 20 04 fd 1b 01 6a                         ;; return the sum of the four lanes of $total
20 04 fd 1b 02 6a 20 04 fd 1b 03 6a 0b
`;

interface Counter {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly count: (at: number, end: number) => number;
}

/** The part of the JavaScript interface of WebAssembly that is used; the types of Node and of the language have none. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

const moduleBytes = Buffer.from(listing.replaceAll(/;;.*|\s/g, ""), "hex");
const counter = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes)).exports as Counter;
const memory = new Uint8Array(counter.memory.buffer);

/** Below so many bytes, the way into WebAssembly takes longer than it spares. */
const vectorsFromBytes = 128;

/** How many line feeds there are from `start` up to `end`. */
export function countLineFeeds(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= vectorsFromBytes) return countInVectors(bytes.subarray(start, end));
  let count = 0;
  for (let at = start; at < end; at++) {
    if (bytes[at] === lineFeed) count += 1;
  }
  return count;
}

/** The offset after the `ordinal`-th line feed (from 1), or -1 when there are fewer. */
export function endOfLine(bytes: Uint8Array, ordinal: number): number {
  let at = -1;
  for (let left = ordinal; left > 0; left--) {
    at = bytes.indexOf(lineFeed, at + 1);
    if (at < 0) return -1;
  }
  return at + 1;
}

function countInVectors(bytes: Uint8Array): number {
  let lines = 0;
  for (let from = 0; from < bytes.length; from += memory.length) {
    lines += countPiece(bytes.subarray(from, from + memory.length));
  }
  return lines;
}

function countPiece(piece: Uint8Array): number {
  const wholeVectors = Math.ceil(piece.length / vectorBytes) * vectorBytes;
  memory.set(piece);
  memory.fill(0, piece.length, wholeVectors);
  return counter.count(0, wholeVectors);
}
