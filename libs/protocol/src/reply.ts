/**
 * What a server answers: the header (link, empty line, operations), then the response, then FIN [W-11]…[W-14].
 *
 *     https://example.org/wirebook
 *     (empty)
 *     Operations:·
 *     ·To delete line N, enter 1 after your username, then N [TIME]
 *     …
 *     the response, as long as it takes
 *
 * The header carries no length. It ends before the first line that announces no operation with a higher number than
 * the line above. A reply of any other shape (`Authentication error.`, another service) is all response.
 */

import { decodeTime } from "./entry.ts";
import { replyHeaderLineBytesMax, operationLinesMax } from "./limits.ts";
import { decodeAnnouncement, encodeAnnouncement, type Announcement } from "./operations.ts";
import { decodeText, joinBytes } from "./text.ts";

/** The whole reply to an unknown user [W-13]. It has no line ending, as the reference implementation's has none. */
export const authenticationError = "Authentication error.";
/** What the one line of a response to a mistake begins with [W-14]. */
export const errorPrefix = "Error: ";
/** Behind that, what a probe is told while nothing can be written: a connection that ends without a byte [W-21]. */
export const notReadyPrefix = "not ready: ";

const operationsHeading = "Operations: ";

export interface ReplyHeader {
  readonly link: string;
  readonly operations: readonly Announcement[];
}

export function encodeReplyHeader({ link, operations }: ReplyHeader): string {
  return [link, "", operationsHeading, ...operations.map(encodeAnnouncement), ""].join("\n");
}

export function encodeError(sentence: string): string {
  return `${errorPrefix}${sentence}\n`;
}

/** `Following from line K.` with its line feed [W-15]. */
export function encodeFollowing(line: number): string {
  return `Following from line ${line}.\n`;
}

/** Of a line without its line feed; `undefined` when it is something else. */
export function decodeFollowing(line: string): number | undefined {
  const found = /^Following from line (\d{1,15})\.$/.exec(line);
  return found === null ? undefined : Number(found[1]);
}

/** Which lines a read answers, of how many, and in which version of the history: the time of its newest entry [W-22]. */
interface SnapshotHeader {
  readonly from: number;
  /** `from - 1` when there is none. */
  readonly to: number;
  readonly lines: number;
  readonly time: string;
}

/** `Snapshot: FROM-TO of N at TIME` with its line feed [W-22]. */
export function encodeSnapshotHeader({ from, to, lines, time }: SnapshotHeader): string {
  return `Snapshot: ${from}-${to} of ${lines} at ${time}\n`;
}

/** Of a line without its line feed; `undefined` when it is something else. */
export function decodeSnapshotHeader(line: string): SnapshotHeader | undefined {
  const [, from, to, lines, time = ""] = /^Snapshot: (\d{1,15})-(\d{1,15}) of (\d{1,15}) at (\S+)$/.exec(line) ?? [];
  if (decodeTime(time) === undefined) return undefined;
  return { from: Number(from), to: Number(to), lines: Number(lines), time };
}

/** What one chunk added: the header, once, when it has become whole, and bytes of the response. */
export interface ReplyPart {
  readonly header: ReplyHeader | undefined;
  /** With the header: its bytes as they came. */
  readonly headerBytes?: Uint8Array;
  readonly response: Uint8Array;
}

const lineFeed = 0x0a;
const nothing = new Uint8Array(0);

/** Tells the header of one reply from its response while the chunks come. It keeps only what may still be header. */
export class ReplyReader {
  #held: Uint8Array = nothing;
  #isInResponse = false;

  push(chunk: Uint8Array): ReplyPart {
    if (this.#isInResponse) return { header: undefined, response: chunk };
    this.#held = joinBytes(this.#held, chunk);
    return this.#read(false);
  }

  /** The server closed: what was kept is all response unless the header is whole. */
  finish(): ReplyPart {
    return this.#isInResponse ? { header: undefined, response: nothing } : this.#read(true);
  }

  /** Reads what is held from its beginning: a header has a few hundred bytes, and mostly comes in one chunk. */
  #read(isEnd: boolean): ReplyPart {
    const held = this.#held;
    const operations: Announcement[] = [];
    let link = "";
    let start = 0;
    for (let number = 0; operations.length < operationLinesMax; number++) {
      const end = held.indexOf(lineFeed, start);
      const bytes = held.subarray(start, end < 0 ? undefined : end);
      if (end < 0) {
        const mayGoOn = !isEnd && bytes.length <= replyHeaderLineBytesMax && (number < 3 || mayAnnounce(bytes));
        if (mayGoOn) return { header: undefined, response: nothing };
        break;
      }
      const line = decodeText(bytes).replace(/\r$/, "");
      const announcement = number < 3 ? undefined : decodeAnnouncement(line);
      const isHeader = [
        line !== "",
        line === "",
        line.trimEnd() === operationsHeading.trimEnd(),
        announcement !== undefined && announcement.number > (operations.at(-1)?.number ?? -1),
      ][Math.min(number, 3)];
      if (isHeader !== true) break;
      if (number === 0) link = line;
      if (announcement !== undefined) operations.push(announcement);
      start = end + 1;
    }
    this.#isInResponse = true;
    this.#held = nothing;
    return operations.length > 0
      ? { header: { link, operations }, headerBytes: held.subarray(0, start), response: held.subarray(start) }
      : { header: undefined, response: held };
  }
}

/** True while an unfinished line may still turn out to be an announcement. */
function mayAnnounce(part: Uint8Array): boolean {
  return " To ".startsWith(decodeText(part.subarray(0, " To ".length)));
}
