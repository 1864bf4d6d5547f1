/** The forms in which the reply of a Wirebook server is shown while it comes. None keeps what it has shown. */

import { describeHostPort } from "@wirebook/net";
import type { ConnectionOutcome, HostPort } from "@wirebook/net";
import { authenticationError, decodeEntry, decodeFollowing, decodeText, errorPrefix } from "@wirebook/protocol";
import { joinBytes, LineSplitter, quoteText, ReplyReader } from "@wirebook/protocol";
import type { Line, ReplyHeader, ReplyPart, StreamEvent, StreamRecord } from "@wirebook/protocol";
import { toOutcome } from "../command.ts";
import type { Outcome } from "../command.ts";
import { TextStream, visibleText } from "./text.ts";
import type { Paint } from "./text.ts";
import { endJson, jsonLine } from "./views.ts";
import type { View } from "./views.ts";

/** What has become known of a reply. */
interface ReplyNews {
  /** Set once, when the header is whole: what it says, and its bytes as they came. */
  readonly header: { readonly parsed: ReplyHeader; readonly bytes: Uint8Array } | undefined;
  /** Bytes of the response, as they came. */
  readonly response: Uint8Array;
}

export interface ReplyForm {
  take(news: ReplyNews): string | Uint8Array;
  /** The reply is over; all of it was taken. */
  end?(outcome: Outcome, record: StreamRecord): string;
}

const nothing = new Uint8Array(0);

/** Bytes of a response that is an error, at most. */
const errorBytesMax = 8192;

/** One exchange in a form: takes the reply apart, and judges whether it is an error. */
export class ReplyView implements View {
  readonly #form: ReplyForm;
  readonly #server: HostPort;
  readonly #reader = new ReplyReader();
  /** The bytes so far, until the header is known. */
  #held: Uint8Array | undefined = nothing;
  #hasHeader = false;
  /** The response so far, unless it is too long for an error. */
  #response: Uint8Array = nothing;
  /** What was held back because it could have been a header. */
  #rest: ReplyNews = { header: undefined, response: nothing };

  constructor(form: ReplyForm, server: HostPort) {
    this.#form = form;
    this.#server = server;
  }

  show({ isFromTarget, bytes }: StreamEvent): string | Uint8Array | undefined {
    if (!isFromTarget || bytes === undefined) return undefined;
    if (this.#held !== undefined) this.#held = joinBytes(this.#held, bytes);
    return this.#form.take(this.#learn(this.#reader.push(bytes)));
  }

  judge(how: ConnectionOutcome, { receivedBytes }: StreamRecord): Outcome {
    this.#rest = this.#learn(this.#reader.finish());
    const outcome = toOutcome(how);
    if (outcome.kind !== "answered") return outcome;
    if (receivedBytes > 0) return { kind: "answered", isError: this.#isError };
    const where = describeHostPort(this.#server);
    const sentence = `${where} closed the connection without an answer; it may not understand this message, or be no Wirebook server`;
    return { kind: "failed", code: "empty-reply", sentence };
  }

  end(record: StreamRecord, outcome: Outcome): string | Uint8Array {
    const last = this.#form.take(this.#rest);
    return typeof last === "string" ? last + (this.#form.end?.(outcome, record) ?? "") : last;
  }

  /** True when the response is one line of error [W-14], or the refusal of a user [W-13]. */
  get #isError(): boolean {
    const text = decodeText(this.#response).trimEnd();
    if (this.#response.length > errorBytesMax || text.includes("\n")) return false;
    return text.startsWith(errorPrefix) || (!this.#hasHeader && text === authenticationError);
  }

  #learn({ header, response }: ReplyPart): ReplyNews {
    if (this.#response.length <= errorBytesMax) this.#response = joinBytes(this.#response, response);
    const held = this.#held;
    if (held === undefined || (header === undefined && response.length === 0)) return { header: undefined, response };
    this.#held = undefined;
    this.#hasHeader = header !== undefined;
    const bytes = held.subarray(0, held.length - response.length);
    return { header: header && { parsed: header, bytes }, response };
  }
}

/** For programs: the response alone, byte for byte; with the header, which is the answer to a user alone. */
export function bytesForm(hasHeader: boolean): ReplyForm {
  return {
    take: ({ header, response }) => (hasHeader && header !== undefined ? joinBytes(header.bytes, response) : response),
  };
}

/**
 * For people: the whole reply, as the original client prints it.
 *
 * The server may be anybody's, so nothing that it sends reaches the terminal but visible text, tabs and line feeds.
 */
export function textForm(paint: Paint): ReplyForm {
  const text = new TextStream();
  let [hasReceived, isInResponse] = [false, false];
  const receive = (part: string, tint: (text: string) => string): string => {
    if (part === "") return "";
    const label = hasReceived ? "" : `${paint.strong("Received:")} `;
    hasReceived = true;
    return label + tint(visibleText(part));
  };
  const respond = (part: string): string => {
    const isWrong = !isInResponse && (part.startsWith(errorPrefix) || part === authenticationError);
    isInResponse ||= part !== "";
    return receive(part, isWrong ? paint.wrong : String);
  };
  return {
    take({ header, response }) {
      const head = header === undefined ? "" : receive(decodeText(header.bytes), paint.faint);
      return head + respond(text.push(response));
    },
    // After Ctrl-C the terminal's own ^C stands on the line.
    end: ({ kind }) => respond(text.finish()) + (kind === "interrupted" ? "\n" : ""),
  };
}

/**
 * For programs that want more than the response: a JSON object on a line (RFC 8259; the shapes are in `--help`).
 *
 * A history may be larger than a string can be, so the object is written piece by piece: its head when the response
 * begins, the response's text as it comes, its tail at the end.
 */
export function jsonForm(sent: string): ReplyForm {
  const text = new TextStream();
  let header: ReplyHeader | null = null;
  let hasBegun = false;
  const respond = (part: string): string => {
    // Without the closing quote and brace, so that the rest of the text can follow.
    const head = hasBegun ? "" : jsonLine({ type: "reply", sent, header, response: "" }).slice(0, '"}\n'.length * -1);
    hasBegun = true;
    return head + quoteText(part).slice(1, -1);
  };
  return {
    take(news) {
      header ??= news.header?.parsed ?? null;
      return news.response.length === 0 ? "" : respond(text.push(news.response));
    },
    end(outcome, record) {
      const isError = outcome.kind === "answered" && outcome.isError;
      return `${respond(text.finish())}",${jsonLine({ isError, ...endJson(record, outcome) }).slice(1)}`;
    },
  };
}

/** Bytes of one followed line that `--json` holds to write it as one object; the rest of the line is left out. */
export const followedLineBytesMax = 1024 * 1024;

/** The same for a follow: an object for each line. */
export function jsonFollowForm(sent: string): ReplyForm {
  const lines = new LineSplitter(followedLineBytesMax);
  let header: ReplyHeader | null = null;
  let isFirst = true;
  const lineJson = ({ bytes, length }: Line): string => {
    const text = decodeText(bytes);
    // A follow that the server grants says so in the first line [W-15].
    const from = isFirst ? decodeFollowing(text) : undefined;
    isFirst = false;
    if (from !== undefined) return jsonLine({ type: "following", sent, header, from });
    return jsonLine({ type: "line", text, entry: decodeEntry(text), ...(bytes.length < length && { isCut: true }) });
  };
  return {
    take(news) {
      header ??= news.header?.parsed ?? null;
      return lines.push(news.response).map(lineJson).join("");
    },
    end(outcome, record) {
      const isError = outcome.kind === "answered" && outcome.isError;
      const last = lines.finish().map(lineJson).join("");
      return last + jsonLine({ type: "end", isError, ...endJson(record, outcome) });
    },
  };
}
