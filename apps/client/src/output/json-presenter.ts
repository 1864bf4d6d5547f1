/**
 * For programs that want more than the response: one JSON object a line (RFC 8259; the shapes are in `--help`).
 *
 * A history may be larger than a string can be, so the object of a reply is written piece by piece: its head when the
 * header is known, the response's text as it comes, its tail at the end. A follow gives an object for each line.
 */

import type { Writable } from "node:stream";
import { decodeEntry, decodeFollowing, quoteText } from "@wirebook/protocol";
import type { Entry, ReplyHeader, StreamRecord } from "@wirebook/protocol";
import type { Outgoing } from "../message.ts";
import type { ReplyNews } from "../reply-parser.ts";
import type { Presenter } from "../session.ts";
import type { Outcome } from "../result.ts";
import { TextStream } from "./terminal-text.ts";
import { encodeJson, failureOf, traceJson } from "./trace-json.ts";

/** Characters of the first line of a response to a follow; a longer one is not that with which a follow begins. */
const followingCharactersMax = 64;

/** Characters of one followed line that `--json` holds to write it as one object; the rest of the line is left out. */
export const followedLineCharactersMax = 1024 * 1024;

type Shape = "undecided" | "reply" | "follow";

/** Writes exchanges as JSON. */
export class JsonPresenter implements Presenter {
  readonly #out: Writable;
  #outgoing: Outgoing | undefined;
  #header: ReplyHeader | null = null;
  #text = new TextStream();
  #shape: Shape = "undecided";
  #firstLine = "";
  #lines = new FollowedLines((line) => this.#object({ type: "line", ...line }));

  constructor(out: Writable) {
    this.#out = out;
  }

  begin(outgoing: Outgoing): void {
    this.#outgoing = outgoing;
    this.#header = null;
    this.#text = new TextStream();
    this.#shape = "undecided";
    this.#firstLine = "";
  }

  take({ header, response }: ReplyNews): void {
    if (header !== undefined) this.#header = header.parsed;
    if (response.length > 0) this.#respond(this.#text.push(response));
  }

  end(outcome: Outcome, record: StreamRecord): void {
    this.#respond(this.#text.finish());
    if (this.#shape === "undecided") this.#openReply(this.#firstLine);
    const rest = {
      isError: outcome.kind === "answered" && outcome.isError,
      failure: failureOf(outcome),
      trace: traceJson(record),
    };
    if (this.#shape === "follow") {
      this.#lines.finish();
      this.#object({ type: "end", ...rest });
    } else this.#out.write(`",${encodeJson(rest).slice(1)}\n`);
  }

  #respond(text: string): void {
    if (text === "") return;
    if (this.#shape === "undecided") this.#decide(text);
    else if (this.#shape === "follow") this.#lines.push(text);
    else this.#out.write(quoteText(text).slice(1, -1));
  }

  /** A follow that the server grants says so in the first line [W-15]; until that line is whole it is held back. */
  #decide(text: string): void {
    if (this.#outgoing?.isFollow !== true) return this.#openReply(text);
    this.#firstLine += text;
    const end = this.#firstLine.indexOf("\n");
    if (end < 0 && this.#firstLine.length <= followingCharactersMax) return;
    const from = decodeFollowing(this.#firstLine.slice(0, Math.max(end, 0)));
    if (from === undefined) return this.#openReply(this.#firstLine);
    this.#shape = "follow";
    this.#object({ type: "following", sent: this.#outgoing.shown, header: this.#header, from });
    this.#lines.push(this.#firstLine.slice(end + 1));
  }

  #openReply(text: string): void {
    this.#shape = "reply";
    const head = encodeJson({
      type: "reply",
      sent: this.#outgoing?.shown ?? "",
      header: this.#header,
      response: text,
    });
    // Without the closing quote and brace, so that the rest of the text can follow.
    this.#out.write(head.slice(0, -2));
  }

  #object(value: object): void {
    this.#out.write(`${encodeJson(value)}\n`);
  }
}

/** A line of a followed history. */
export interface FollowedLine {
  readonly text: string;
  readonly entry: Entry;
  /** Set when the line was longer than what is held of it. */
  readonly isCut?: true;
}

/** Joins the text of a follow into lines, of which it holds one, up to a bound. */
export class FollowedLines {
  readonly #onLine: (line: FollowedLine) => void;
  #held = "";
  #isCut = false;

  constructor(onLine: (line: FollowedLine) => void) {
    this.#onLine = onLine;
  }

  push(text: string): void {
    const [first = "", ...others] = text.split("\n");
    this.#hold(first);
    for (const part of others) {
      this.#tell();
      this.#hold(part);
    }
  }

  /** The follow ended; a line that was not ended is told as far as it came. */
  finish(): void {
    if (this.#held !== "") this.#tell();
  }

  #hold(part: string): void {
    const room = followedLineCharactersMax - this.#held.length;
    if (part.length > room) this.#isCut = true;
    this.#held += part.slice(0, room);
  }

  #tell(): void {
    const text = this.#held;
    this.#onLine({ text, entry: decodeEntry(text), ...(this.#isCut ? { isCut: true } : {}) });
    this.#held = "";
    this.#isCut = false;
  }
}
