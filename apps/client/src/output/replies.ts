/** The forms in which replies of a Wirebook server are shown, one after the other, while they come. */

import { describeHostPort } from "@wirebook/net";
import type { ConnectionOutcome, HostPort } from "@wirebook/net";
import { authenticationError, decodeEntry, decodeFollowing, decodeText, errorPrefix } from "@wirebook/protocol";
import { joinBytes, LineSplitter, quoteText } from "@wirebook/protocol";
import type { Line, ReplyHeader, StreamEvent, StreamRecord } from "@wirebook/protocol";
import type { Outgoing } from "../message.ts";
import { ReplyParser } from "../reply-parser.ts";
import type { ReplyNews } from "../reply-parser.ts";
import { toOutcome } from "../result.ts";
import type { Outcome } from "../result.ts";
import { TextStream, visibleText } from "./terminal-text.ts";
import type { Paint } from "./terminal-text.ts";
import { failureOf, jsonLine, traceJson } from "./views.ts";
import type { View } from "./views.ts";

/** One form. It keeps nothing of a reply that it has shown. */
export interface ReplyForm {
  /** A message is about to be sent. */
  begin(outgoing: Outgoing): string;
  take(news: ReplyNews): string | Uint8Array;
  /** The reply is over; `news` is what was held back of it. */
  end(news: ReplyNews, outcome: Outcome, record: StreamRecord): string | Uint8Array;
}

/** One exchange in a form. */
export class ReplyView implements View {
  readonly #form: ReplyForm;
  readonly #server: HostPort;
  readonly #parser = new ReplyParser();
  #rest: ReplyNews = { header: undefined, response: new Uint8Array(0) };

  constructor(form: ReplyForm, server: HostPort) {
    this.#form = form;
    this.#server = server;
  }

  show({ isFromTarget, bytes }: StreamEvent): string | Uint8Array | undefined {
    return isFromTarget && bytes !== undefined ? this.#form.take(this.#parser.push(bytes)) : undefined;
  }

  judge(how: ConnectionOutcome, { receivedBytes }: StreamRecord): Outcome {
    this.#rest = this.#parser.finish();
    const outcome = toOutcome(how);
    if (outcome.kind !== "answered") return outcome;
    if (receivedBytes > 0) return { kind: "answered", isError: this.#parser.isError };
    const where = describeHostPort(this.#server);
    const sentence = `${where} closed the connection without an answer; it may not understand this message, or be no Wirebook server`;
    return { kind: "failed", code: "empty-reply", sentence };
  }

  end(record: StreamRecord, outcome: Outcome): string | Uint8Array {
    return this.#form.end(this.#rest, outcome, record);
  }
}

/** For programs: the response alone, byte for byte; to a user alone, the list of operations. */
export class BytesForm implements ReplyForm {
  #isBare = false;
  #isLineOpen = false;

  begin({ isBare }: Outgoing): string {
    this.#isBare = isBare;
    // The bytes of one response are exact, but two of them must not run into one line.
    const gap = this.#isLineOpen ? "\n" : "";
    this.#isLineOpen = false;
    return gap;
  }

  take({ header, response }: ReplyNews): Uint8Array {
    const bytes = this.#isBare && header !== undefined ? joinBytes(header.bytes, response) : response;
    if (bytes.length > 0) this.#isLineOpen = bytes.at(-1) !== 0x0a;
    return bytes;
  }

  end(news: ReplyNews): Uint8Array {
    return this.take(news);
  }
}

/**
 * For people: what was sent and the whole reply, as the original client prints them.
 *
 * The server may be anybody's, so nothing that it sends reaches the terminal but visible text, tabs and line feeds.
 */
export class TextForm implements ReplyForm {
  readonly #paint: Paint;
  #text = new TextStream();
  #hasReceived = false;
  #isInResponse = false;

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  begin({ shown }: Outgoing): string {
    this.#text = new TextStream();
    this.#hasReceived = false;
    this.#isInResponse = false;
    return `${this.#paint.strong("Sent:")}     ${visibleText(shown)}\n`;
  }

  take({ header, response }: ReplyNews): string {
    const head = header === undefined ? "" : this.#receive(decodeText(header.bytes), this.#paint.faint);
    return head + this.#respond(this.#text.push(response));
  }

  end(news: ReplyNews, { kind }: Outcome): string {
    const rest = this.take(news) + this.#respond(this.#text.finish());
    // After Ctrl-C the terminal's own ^C stands on the line.
    return kind === "interrupted" ? `${rest}\n` : rest;
  }

  #respond(text: string): string {
    const isWrong = !this.#isInResponse && (text.startsWith(errorPrefix) || text === authenticationError);
    this.#isInResponse ||= text !== "";
    return this.#receive(text, isWrong ? this.#paint.wrong : String);
  }

  #receive(text: string, paint: (text: string) => string): string {
    if (text === "") return "";
    const label = this.#hasReceived ? "" : `${this.#paint.strong("Received:")} `;
    this.#hasReceived = true;
    return label + paint(visibleText(text));
  }
}

/** Bytes of the first line of a response to a follow; a longer one is not that with which a follow begins. */
const followingBytesMax = 64;

/** Bytes of one followed line that `--json` holds to write it as one object; the rest of the line is left out. */
export const followedLineBytesMax = 1024 * 1024;

/**
 * For programs that want more than the response: one JSON object a line (RFC 8259; the shapes are in `--help`).
 *
 * A history may be larger than a string can be, so the object of a reply is written piece by piece: its head when the
 * header is known, the response's text as it comes, its tail at the end. A follow gives an object for each line.
 */
export class JsonForm implements ReplyForm {
  #outgoing: Outgoing | undefined;
  #header: ReplyHeader | null = null;
  #shape: "undecided" | "reply" | "follow" = "undecided";
  /** What was held back of a response, until its shape is known. */
  #held: Uint8Array = new Uint8Array(0);
  #text = new TextStream();
  #lines = new LineSplitter(followedLineBytesMax);

  begin(outgoing: Outgoing): string {
    this.#outgoing = outgoing;
    this.#header = null;
    this.#shape = "undecided";
    this.#held = new Uint8Array(0);
    this.#text = new TextStream();
    this.#lines = new LineSplitter(followedLineBytesMax);
    return "";
  }

  take({ header, response }: ReplyNews): string {
    if (header !== undefined) this.#header = header.parsed;
    if (response.length === 0) return "";
    if (this.#shape === "follow") return this.#lines.push(response).map(followedJson).join("");
    if (this.#shape === "reply") return inString(this.#text.push(response));
    this.#held = joinBytes(this.#held, response);
    return this.#decide(false);
  }

  end(news: ReplyNews, outcome: Outcome, record: StreamRecord): string {
    const last = this.take(news);
    const head = last + (this.#shape === "undecided" ? this.#decide(true) : "");
    const isError = outcome.kind === "answered" && outcome.isError;
    const rest = { isError, failure: failureOf(outcome), trace: traceJson(record) };
    if (this.#shape === "reply") return `${head}${inString(this.#text.finish())}",${jsonLine(rest).slice(1)}`;
    return `${head}${this.#lines.finish().map(followedJson).join("")}${jsonLine({ type: "end", ...rest })}`;
  }

  /** A follow that the server grants says so in the first line [W-15]; until that line is whole it is held back. */
  #decide(isOver: boolean): string {
    const { isFollow = false, shown: sent = "" } = this.#outgoing ?? {};
    const end = this.#held.indexOf(0x0a);
    if (isFollow && !isOver && end < 0 && this.#held.length <= followingBytesMax) return "";
    const from = isFollow && end >= 0 ? decodeFollowing(decodeText(this.#held.subarray(0, end))) : undefined;
    if (from !== undefined) {
      this.#shape = "follow";
      const lines = this.#lines.push(this.#held.subarray(end + 1));
      return jsonLine({ type: "following", sent, header: this.#header, from }) + lines.map(followedJson).join("");
    }
    this.#shape = "reply";
    const response = this.#text.push(this.#held);
    // Without the closing quote and brace, so that the rest of the text can follow.
    return jsonLine({ type: "reply", sent, header: this.#header, response }).slice(0, '"}\n'.length * -1);
  }
}

/** The text as it stands within a string of JSON. */
function inString(text: string): string {
  return quoteText(text).slice(1, -1);
}

function followedJson({ bytes, length }: Line): string {
  const text = decodeText(bytes);
  return jsonLine({ type: "line", text, entry: decodeEntry(text), ...(bytes.length < length && { isCut: true }) });
}
