import type { Writable } from "node:stream";
import { ExchangeCapture } from "@wirebook/capture";
import type { Capture } from "@wirebook/capture";
import { describeTarget, Exchange } from "@wirebook/net";
import type { Target, Trace } from "@wirebook/net";
import type { EndReason } from "@wirebook/protocol";
import type { Outgoing } from "./message.ts";
import { ReplyParser } from "./reply-parser.ts";
import type { ReplyNews } from "./reply-parser.ts";
import type { Outcome } from "./result.ts";

/** What an exchange needs from its surroundings. */
interface RequestOptions {
  readonly target: Target;
  readonly timeoutMs: number | undefined;
  readonly presenter: Presenter;
  /** Where the presenter writes: while it is full, the server is not read. */
  readonly out: Writable;
  /** Gets the packets of the exchange. */
  readonly capture: Capture | undefined;
  /** Aborted to cancel the exchange. */
  readonly signal: AbortSignal;
}

/** How an exchange came out, and what was measured on the way. */
interface Requested {
  readonly outcome: Outcome;
  readonly trace: Trace;
}

/** Sends one message and presents the reply while it comes. Never rejects. */
export function request(outgoing: Outgoing, options: RequestOptions): Promise<Requested> {
  const { target, timeoutMs, presenter, out, capture, signal } = options;
  const { promise, resolve } = Promise.withResolvers<Requested>();
  const watch = new ReplyParser();
  const captured = capture && new ExchangeCapture(capture, performance.timeOrigin);
  const settle = (judge: () => Outcome, { trace }: Exchange): void => {
    signal.removeEventListener("abort", cancel);
    presenter.take(watch.finish());
    const outcome = judge();
    presenter.end(outcome, trace);
    resolve({ outcome, trace });
  };
  presenter.begin(outgoing);
  const exchange = new Exchange(
    target,
    { message: outgoing.bytes, ...timeouts(outgoing, timeoutMs) },
    {
      onStep: (step, { trace }) => captured?.step(step, trace),
      onWrite: (bytes) => captured?.wrote(performance.now(), bytes),
      onChunk(chunk, each) {
        captured?.read(performance.now(), chunk);
        presenter.take(watch.push(chunk));
        if (out.writableNeedDrain) holdBack(each, out);
      },
      onEnd(reason, each) {
        captured?.over(reason, each.trace);
        settle(() => judgeEnd(reason, each, watch), each);
      },
      onError({ code, message }, each) {
        captured?.over({ code, message }, each.trace);
        settle(() => ({ kind: "failed", code, sentence: message }), each);
      },
    },
  );
  const cancel = (): void => exchange.cancel();
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  return promise;
}

function holdBack(exchange: Exchange, out: Writable): void {
  exchange.pause();
  out.once("drain", () => exchange.resume());
}

function judgeEnd(reason: EndReason, exchange: Exchange, watch: ReplyParser): Outcome {
  if (reason !== "fin") return { kind: "interrupted" };
  if (exchange.trace.receivedBytes > 0) return { kind: "answered", isError: watch.isError };
  const where = describeTarget(exchange.target);
  const sentence = `${where} closed the connection without an answer; it may not understand this message, or be no Wirebook server`;
  return { kind: "failed", code: "empty-reply", sentence };
}

function timeouts(
  { isFollow }: Outgoing,
  timeoutMs: number | undefined,
): { readonly connectTimeoutMs?: number; readonly replyTimeoutMs?: number } {
  return {
    ...(timeoutMs === undefined ? {} : { connectTimeoutMs: timeoutMs, replyTimeoutMs: timeoutMs }),
    ...(isFollow ? { replyTimeoutMs: Infinity } : {}),
  };
}

/** Shows exchanges, one after the other. It writes at once what it is given and holds none of it. */
export interface Presenter {
  begin(outgoing: Outgoing): void;
  take(news: ReplyNews): void;
  end(outcome: Outcome, trace: Trace): void;
}
