/** The forms in which the reply of a Wirebook server is shown while it comes. None keeps what it has shown. */

import { describeHostPort, type HostPort } from "@wirebook/net";
import { authenticationError, decodeEntry, decodeText, errorPrefix } from "@wirebook/protocol";
import { joinBytes, LineSplitter, ReplyReader } from "@wirebook/protocol";
import type { Line, ReplyHeader, ReplyPart, StreamRecord } from "@wirebook/protocol";
import { toOutcome, type Outcome } from "../command.ts";
import { TextStream, visibleText, type Paint } from "./text.ts";
import { endJson, jsonLine, type View } from "./views.ts";

export interface ReplyForm {
  take(part: ReplyPart): string | Uint8Array;
  /** The reply is over; all of it was taken. */
  end?(outcome: Outcome, record: StreamRecord): string;
}

const nothing = new Uint8Array(0);

/** Bytes of a response that is an error, at most. */
const errorBytesMax = 8192;

/** One exchange in a form: takes the reply apart, and judges whether it is an error. */
export function createReplyView(form: ReplyForm, server: HostPort): Required<Omit<View, "open">> {
  const reader = new ReplyReader();
  let hasHeader = false;
  /** The response so far, unless it is too long for an error. */
  let start: Uint8Array = nothing;
  /** What was held back because it could have been a header. */
  let rest: ReplyPart = { header: undefined, response: nothing };

  function learn(part: ReplyPart): ReplyPart {
    if (start.length <= errorBytesMax) start = joinBytes(start, part.response);
    hasHeader ||= part.header !== undefined;
    return part;
  }

  /** True when the response is one line of error [W-14], or the refusal of a user [W-13]. */
  function isError(): boolean {
    const text = decodeText(start).trimEnd();
    if (start.length > errorBytesMax || text.includes("\n")) return false;
    return text.startsWith(errorPrefix) || (!hasHeader && text === authenticationError);
  }

  return {
    show({ isFromTarget, bytes }) {
      if (!isFromTarget || bytes === undefined) return undefined;
      return form.take(learn(reader.push(bytes)));
    },
    judge(how, { receivedBytes }) {
      rest = learn(reader.finish());
      const outcome = toOutcome(how);
      if (outcome.kind !== "answered") return outcome;
      if (receivedBytes > 0) return { kind: "answered", isError: isError() };
      const where = describeHostPort(server);
      const sentence = `${where} closed the connection without an answer; it may not understand this message, or be no Wirebook server`;
      return { kind: "failed", code: "empty-reply", sentence };
    },
    end(record, outcome) {
      const last = form.take(rest);
      return typeof last === "string" ? last + (form.end?.(outcome, record) ?? "") : last;
    },
  };
}

/** For programs: the response alone, byte for byte; with the header, which is the answer to a user alone. */
export function bytesForm(hasHeader: boolean): ReplyForm {
  return {
    take: ({ headerBytes = nothing, response }) => (hasHeader ? joinBytes(headerBytes, response) : response),
  };
}

/** For people: the whole reply. The server may be anybody's, so only visible text, tabs and line feeds reach the terminal. */
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
    take({ headerBytes = nothing, response }) {
      const head = receive(decodeText(headerBytes), paint.faint);
      return head + respond(text.push(response));
    },
    // After Ctrl-C the terminal's own ^C stands on the line.
    end: ({ kind }) => respond(text.finish()) + (kind === "interrupted" ? "\n" : ""),
  };
}

/** Bytes of one line that `--json` holds to write it as one object; the rest of the line is left out. */
export const jsonLineBytesMax = 1024 * 1024;

/** For programs that want more than the response: JSON objects, one for each line of it (the shapes are in `--help`). */
export function jsonForm(sent: string): ReplyForm {
  const lines = new LineSplitter(jsonLineBytesMax);
  let hasBegun = false;
  const begin = (header: ReplyHeader | null): string => {
    const head = hasBegun ? "" : jsonLine({ type: "reply", sent, header });
    hasBegun = true;
    return head;
  };
  return {
    take({ header, response }) {
      const head = header !== undefined || response.length > 0 ? begin(header ?? null) : "";
      return head + lines.push(response).map(lineJson).join("");
    },
    end(outcome, record) {
      const isError = outcome.kind === "answered" && outcome.isError;
      const last = begin(null) + lines.finish().map(lineJson).join("");
      return last + jsonLine({ type: "end", isError, ...endJson(record, outcome) });
    },
  };
}

function lineJson({ bytes, length }: Line): string {
  const text = decodeText(bytes);
  const entry = decodeEntry(text);
  const isCut = bytes.length < length;
  return jsonLine({ type: "line", text, ...(entry.kind !== "external" && { entry }), ...(isCut && { isCut }) });
}
