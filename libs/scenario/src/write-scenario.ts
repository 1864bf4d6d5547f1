/**
 * Writes a recorded stream as a scenario.
 *
 * It is exact: played against a target that answers the same, it holds. A line that will probably vary has a comment above
 * it, with a pattern to use instead. Keys of the Wirebook server are left out: `{{key}}` asks for them.
 */

import { decodeText, encodeText, joinBytes, redactKeys } from "@wirebook/protocol";
import type { StreamEvent } from "@wirebook/protocol";
import { durationMsMax, scenarioBytesMax, scenarioStepsMax, secretName } from "./scenario.ts";
import { escapePattern, escapeQuoted, escapeText, isEndWord } from "./text.ts";
import { findWhatVaries } from "./what-varies.ts";

export type WrittenEvent = Pick<StreamEvent, "kind" | "isFromTarget" | "atMs" | "byteCount" | "bytes"> &
  Partial<Pick<StreamEvent, "offset">>;

export interface WriteOptions {
  /** The name for `connect`. */
  readonly target?: string | undefined;
  /** The target is the Wirebook server, so its keys are left out. */
  readonly isWithServer: boolean;
  /** Stands above all as a comment. */
  readonly comment?: string | undefined;
}

/** Milliseconds of silence before something is sent from which on it is a `wait`. */
const pauseMsMin = 10;

/** Bytes received in a row that are written as expectations. */
const replyBytesMax = 64 * 1024;

/** Bytes of a line that is written as a line, and of each piece of a longer one; more than a message of the server has. */
const pieceBytesMax = 4096;

/** Bytes and steps that are left for what ends a scenario which is full. */
const bytesReserve = 32 * pieceBytesMax;
const stepsReserve = 10;

const askForKey = `{{${secretName}}}`;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/**
 * The scenario as text. It ends early, with a comment that says so, where bytes were not kept or a limit is reached. Where the
 * end of a direction is recorded twice, as on the two legs of a flow, the first one counts.
 */
export function writeScenario(events: Iterable<WrittenEvent>, options: WriteOptions): string {
  const all = [...events];
  const writer = new ScenarioWriter(options, findLineEnd(all));
  for (const event of all) {
    if (!writer.add(event)) break;
  }
  return writer.finish();
}

type LineEndName = "CRLF" | "LF" | "CR";
const lineEnds = { CRLF: "\r\n", LF: "\n", CR: "\r" };

/** What ends the first line that was sent. */
function findLineEnd(events: readonly WrittenEvent[]): LineEndName {
  let last: number | undefined;
  for (const { isFromTarget, bytes } of events) {
    if (isFromTarget || bytes === undefined || bytes.length === 0) continue;
    const end = bytes.indexOf(lineFeed);
    if (end >= 0) return (end === 0 ? last : bytes[end - 1]) === carriageReturn ? "CRLF" : "LF";
    last = bytes.at(-1);
  }
  return last === carriageReturn ? "CR" : "CRLF";
}

class ScenarioWriter {
  readonly #isWithServer: boolean;
  readonly #eol: string;
  readonly #lines: string[] = [];
  #bytesWritten = 0;
  #stepCount = 0;
  /** The beginning of a line, or bytes that are none, of the direction that spoke last. */
  #rest: Uint8Array = new Uint8Array(0);
  #isFromTarget = false;
  /** Bytes of the reply that is being read. */
  #replyBytes = 0;
  #lastMs: number | undefined;
  /** Bytes of each direction that were there so far. */
  readonly #seen = { sent: 0, received: 0 };
  /** The directions that have had their FIN, as `isFromTarget`. */
  readonly #ended = new Set<boolean>();

  constructor({ target, isWithServer, comment }: WriteOptions, lineEnd: LineEndName) {
    this.#isWithServer = isWithServer;
    this.#eol = lineEnds[lineEnd];
    for (const line of comment?.split("\n") ?? []) this.#push(`# ${escapeText(line)}`);
    this.#push(`eol: ${lineEnd}`);
    if (target !== undefined) this.#push(`connect ${target}`);
  }

  /** Returns false when nothing can follow. */
  add(event: WrittenEvent): boolean {
    const { kind, isFromTarget, atMs, byteCount, bytes } = event;
    if (kind === "written") return true;
    const direction = isFromTarget ? "received" : "sent";
    const seenBytes = this.#seen[direction];
    // A record keeps the first events and the newest, and not always those between.
    if ((event.offset ?? seenBytes) !== seenBytes || (byteCount > 0 && bytes === undefined)) {
      return this.#stop("the bytes that follow were not kept");
    }
    this.#seen[direction] += byteCount;
    if (kind !== "rst" && this.#ended.has(isFromTarget)) return true;
    if (isFromTarget !== this.#isFromTarget) {
      this.#flush();
      this.#isFromTarget = isFromTarget;
      this.#replyBytes = 0;
    }
    if (!isFromTarget) this.#writePause(atMs);
    this.#lastMs = atMs;
    this.#replyBytes += isFromTarget ? byteCount : 0;
    if (this.#replyBytes > replyBytesMax) return this.#stop(`the reply has more than ${replyBytesMax} bytes`);
    if (kind === "data") this.#take(bytes ?? new Uint8Array(0));
    else this.#writeEnd(kind);
    return this.#isFull ? this.#stop("it has no room for more") : kind !== "rst";
  }

  finish(): string {
    this.#flush();
    return `${this.#lines.join("\n")}\n`;
  }

  get #isFull(): boolean {
    return this.#bytesWritten > scenarioBytesMax - bytesReserve || this.#stepCount > scenarioStepsMax - stepsReserve;
  }

  #take(bytes: Uint8Array): void {
    const end = this.#eol === "\r" && !this.#isFromTarget ? carriageReturn : lineFeed;
    let rest = joinBytes(this.#rest, bytes);
    while (!this.#isFull) {
      const at = rest.subarray(0, pieceBytesMax).indexOf(end);
      const length = at >= 0 ? at + 1 : pieceBytesMax;
      if (at < 0 && rest.length <= length) break;
      this.#writeBytes(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#rest = rest;
  }

  #flush(): void {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    if (rest.length > 0) this.#writeBytes(rest);
  }

  /** A line with its end, or what is none. */
  #writeBytes(bytes: Uint8Array): void {
    const text = decodeText(bytes);
    if (this.#isFromTarget) this.#writeReceived(text);
    else this.#writeSent(text);
  }

  #writeSent(text: string): void {
    const isLine = text.endsWith(this.#eol);
    const line = isLine ? text.slice(0, -this.#eol.length) : text;
    // `\{{` means two braces, and there is no other way to write that backslash in a line.
    if (isPlain(line) && !line.includes("\\{{") && (isLine || line !== "")) {
      const shown = this.#hideKeys(line, askForKey, (visible) => visible.replaceAll("{{", "\\{{"));
      this.#step(`${isLine ? ">" : ">|"} ${shown}`.trimEnd());
    } else this.#step(`>> "${this.#hideKeys(text, askForKey, escapeQuoted)}"`);
  }

  #writeReceived(text: string): void {
    const line = text.replace(/\r?\n$/, "");
    if (line === text || !isPlain(line)) return this.#step(`<< "${this.#hideKeys(text, askForKey, escapeQuoted)}"`);
    const pattern = this.#hideKeys(line, "*", escapePattern);
    const loose = this.#hideKeys(line, "*", (visible) => {
      const varies = findWhatVaries(visible);
      return varies === undefined ? "" : `${varies.what}: < ${varies.pattern}`;
    });
    if (loose !== "") this.#push(`# varies? ${loose}`);
    this.#step(`< ${isEndWord(pattern) ? "\\" : ""}${pattern}`.trimEnd());
  }

  /** The text, escaped, with the mark for each key. */
  #hideKeys(text: string, mark: string, escape: (visible: string) => string): string {
    const redacted = this.#isWithServer ? redactKeys(text) : text;
    return redacted === text ? escape(text) : escape(redacted).replaceAll("…", mark);
  }

  #writePause(atMs: number): void {
    const ms = Math.min(Math.round(atMs - (this.#lastMs ?? atMs)), durationMsMax);
    // A key could be cut in two.
    if (ms < pauseMsMin || (this.#isWithServer && this.#rest.length > 0)) return;
    this.#flush();
    this.#step(`wait ${ms < 1000 ? `${ms}ms` : `${ms / 1000}s`}`);
  }

  #writeEnd(kind: "fin" | "rst"): void {
    this.#flush();
    if (this.#isFromTarget) this.#step(kind === "fin" ? "< EOF" : "< RST");
    else this.#step(kind === "fin" ? "end" : "reset");
    this.#ended.add(this.#isFromTarget);
  }

  #stop(reason: string): false {
    this.#rest = this.#isFull ? new Uint8Array(0) : this.#rest;
    this.#flush();
    this.#push(`# The scenario ends here: ${reason}.`);
    return false;
  }

  #step(line: string): void {
    this.#stepCount += 1;
    this.#push(line);
  }

  #push(line: string): void {
    this.#bytesWritten += encodeText(line).length + 1;
    this.#lines.push(line);
  }
}

/** Editors show it as it is, and leave it as it is. */
function isPlain(text: string): boolean {
  const visible = text.replaceAll("\t", "");
  return escapeText(visible) === visible && !/\s$/.test(text);
}
