/**
 * What clients were told, held against the file.
 *
 * The server's own change feed gives every line as it becomes durable, so applying it line by line gives an exact copy
 * [H-12]. After a crash the file must be that copy, followed by lines that the feed did not get to deliver. All lines
 * together are one sequence, in which times strictly increase, every request stands once and in its client's order, and
 * everything that was acknowledged stands. A request is known by the user's name in it, `c3-17`: the seventeenth of client 3.
 */

import { decodeEntry } from "@wirebook/protocol";
import { applyLine } from "../../../libs/history/test/reading.ts";

const keyForm = /^c(?<client>\d+)-(?<number>\d+)(?: |$)/;

/** What clients of one history were told, over many crashes. */
export class Ledger {
  /** What was found wrong, as sentences. */
  readonly violations: string[] = [];
  /** Acknowledged requests that were looked for. */
  checked = 0;
  /** What was acknowledged since the last crash: requests, and results as `c3-17 deleted-all`. */
  readonly acknowledged: string[] = [];
  readonly #copy: string[] = [];
  readonly #lastNumbers = new Map<string, number>();
  readonly #requests = new Set<string>();
  readonly #results = new Set<string>();
  #lastTime = "";

  /** How many lines there are; a follower goes on behind them. */
  get lines(): number {
    return this.#copy.length;
  }

  /** A line that the feed delivered; `isApplied` is false where the copy is made anew in any case. */
  deliver(line: string, isApplied = true): void {
    const entry = decodeEntry(line);
    if (entry.kind === "external") return this.#violation(`a line that no client wrote: ${line}`);
    if (entry.time <= this.#lastTime) this.#violation(`the time of ${line} is not past ${this.#lastTime}`);
    this.#lastTime = entry.time;
    if (entry.kind === "request") this.#count(entry.message);
    else this.#results.add(`${entry.user} ${entry.result.verb}`);
    if (!isApplied) return;
    try {
      applyLine(this.#copy, line);
    } catch (error) {
      this.#violation((error as Error).message);
    }
  }

  /**
   * A client was told something, so the line of its request must last, and the result if it was told one.
   *
   * @param result such as `c3-17 deleted-all`
   */
  acknowledge(key: string, result: string | undefined): void {
    this.acknowledged.push(key);
    if (result !== undefined) this.acknowledged.push(result);
  }

  /** Holds the file, as it is found after a crash, against all of it. */
  settle(file: string): void {
    if (file !== "" && !file.endsWith("\n")) this.#violation("the file does not end in a line feed");
    const lines = file.split("\n").slice(0, -1);
    const undelivered = lines.slice(this.#seenIn(lines));
    // A line that was written, acknowledged and deleted before the feed got to deliver it is known by its result alone.
    const unseen = this.#deletedUnseen(undelivered);
    for (const line of undelivered) this.deliver(line, unseen === 0);
    if (unseen > 0) this.#copy.splice(0, this.#copy.length, ...lines);
    // A delete of all that the feed did not get to deliver takes lines with it that were acknowledged before it.
    if (undelivered.some((line) => line.endsWith(" deleted all"))) this.acknowledged.length = 0;
    this.#checkAcknowledged(unseen);
    const at = lines.findIndex((line, index) => line !== this.#copy[index]);
    if (at >= 0 || lines.length !== this.#copy.length) {
      const where = at < 0 ? Math.min(lines.length, this.#copy.length) : at;
      const wanted = `${this.#copy[where]} (of ${this.#copy.length} lines)`;
      this.#violation(`line ${where + 1} of ${lines.length} is ${lines[where]}, and should be ${wanted}`);
      this.#copy.splice(0, this.#copy.length, ...lines);
    }
    this.#requests.clear();
    this.#results.clear();
    this.acknowledged.length = 0;
  }

  /** How many of the file's lines were delivered: all up to the last line of the copy that the file still has. */
  #seenIn(lines: readonly string[]): number {
    const positions = new Map(lines.map((line, at) => [line, at + 1]));
    const last = this.#copy.findLast((line) => positions.has(line));
    return last === undefined ? 0 : (positions.get(last) as number);
  }

  /** How many deletes there are, among lines that were not delivered, of a line that is not known. */
  #deletedUnseen(undelivered: readonly string[]): number {
    const heads = new Set([...this.#copy, ...undelivered].map((line) => line.slice(0, line.indexOf(" "))));
    return undelivered.filter((line) => {
      const entry = decodeEntry(line);
      return entry.kind === "result" && entry.result.verb === "deleted-line" && !heads.has(entry.result.head);
    }).length;
  }

  #count(message: string): void {
    const { client, number } = keyForm.exec(message)?.groups ?? {};
    if (client === undefined) return;
    const last = this.#lastNumbers.get(client) ?? 0;
    if (Number(number) <= last) this.#violation(`"${message}" comes again, or behind number ${last} of its client`);
    this.#lastNumbers.set(client, Number(number));
    this.#requests.add(`c${client}-${number}`);
  }

  /** @param unseen how many acknowledged lines may have gone with their deletes as the only trace */
  #checkAcknowledged(unseen: number): void {
    this.checked += this.acknowledged.length;
    const lost = this.acknowledged.filter((key) => !this.#requests.has(key) && !this.#results.has(key));
    for (const key of lost.slice(unseen)) this.#violation(`${key} was acknowledged and is lost`);
  }

  #violation(sentence: string): void {
    this.violations.push(sentence);
  }
}
