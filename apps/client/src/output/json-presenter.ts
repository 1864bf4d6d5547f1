/**
 * For programs that want more than the response: one JSON object a line (RFC 8259; the shapes are in `--help`).
 *
 * A history may be larger than a string can be, so the object of a reply is written piece by piece: its head when the
 * beginning is known, the response's text as it comes, its tail at the end. A follow gives an object for each line.
 */

import type { Writable } from "node:stream";
import type { Trace } from "@wirebook/net";
import { decodeFollowing, plainText, quoteText } from "@wirebook/protocol";
import type { ReplyHeader } from "@wirebook/protocol";
import { followingCharactersMax } from "../limits.ts";
import type { Outgoing } from "../message.ts";
import type { Outcome } from "../outcome.ts";
import type { ReplyNews } from "../reply-parser.ts";
import { FollowedLines } from "./followed-lines.ts";
import type { Presenter } from "./presenter.ts";
import { TextStream } from "./text-stream.ts";
import { traceJson } from "./trace-json.ts";

type Shape = "undecided" | "reply" | "follow";

/** Writes exchanges as JSON. */
export class JsonPresenter implements Presenter {
  readonly #out: Writable;
  #outgoing: Outgoing | undefined;
  #beginning: ReplyHeader | null = null;
  #text = new TextStream();
  #shape: Shape = "undecided";
  #firstLine = "";
  #lines = new FollowedLines((line) => this.#object({ type: "line", ...line }));

  constructor(out: Writable) {
    this.#out = out;
  }

  begin(outgoing: Outgoing): void {
    this.#outgoing = outgoing;
    this.#beginning = null;
    this.#text = new TextStream();
    this.#shape = "undecided";
    this.#firstLine = "";
  }

  take({ beginning, response }: ReplyNews): void {
    if (beginning !== undefined) this.#beginning = beginning.parsed;
    if (response.length > 0) this.#respond(this.#text.push(response));
  }

  end(outcome: Outcome, trace: Trace): void {
    this.#respond(this.#text.finish());
    if (this.#shape === "undecided") this.#openReply(this.#firstLine);
    const rest = {
      isError: outcome.kind === "answered" && outcome.isError,
      failure: failureOf(outcome),
      trace: traceJson(trace),
    };
    if (this.#shape === "follow") {
      this.#lines.finish();
      this.#object({ type: "end", ...rest });
    } else this.#out.write(`",${encode(rest).slice(1)}\n`);
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
    this.#object({ type: "following", sent: this.#outgoing.shown, beginning: this.#beginning, from });
    this.#lines.push(this.#firstLine.slice(end + 1));
  }

  #openReply(text: string): void {
    this.#shape = "reply";
    const head = encode({
      type: "reply",
      sent: this.#outgoing?.shown ?? "",
      beginning: this.#beginning,
      response: text,
    });
    // Without the closing quote and brace, so that the rest of the text can follow.
    this.#out.write(head.slice(0, -2));
  }

  #object(value: object): void {
    this.#out.write(`${encode(value)}\n`);
  }
}

/** JSON in which nothing is left that acts on a terminal: what JSON leaves raw is escaped as it escapes the rest. */
function encode(value: object): string {
  return plainText(JSON.stringify(value));
}

function failureOf(outcome: Outcome): { readonly code: string; readonly message: string } | null {
  switch (outcome.kind) {
    case "answered":
      return null;
    case "failed":
      return { code: outcome.code, message: outcome.sentence };
    case "interrupted":
      return { code: "interrupted", message: "the exchange was interrupted" };
  }
}
