/** Connections whose every event is written down. */

import { decodeText, StreamRecord } from "@wirebook/protocol";
import type { EndReason } from "@wirebook/protocol";
import { Connection, replyTimeoutMsDefault } from "../src/index.ts";
import type { ConnectionListener, ConnectionOptions, ExchangeError, Target } from "../src/index.ts";

/** How a stream came to its end. */
type Ending = EndReason | ExchangeError;

/** A connection under way, and what it has told its listener. */
export interface Run {
  readonly connection: Connection;
  readonly record: StreamRecord;
  /** `open`, `written:8`, `read:3`, `fin:target`, `fin:own`, and last `over:fin`, … or `over:` and the error's code. */
  readonly events: readonly string[];
  readonly texts: readonly string[];
  readonly ending: Promise<Ending>;
}

/** What a test wants otherwise; `isEnded` sends FIN behind the message. */
type RunOptions = Partial<ConnectionOptions> & { readonly isEnded?: boolean };

/** Begins an exchange with the message `brick 2`, unless the options say otherwise. */
export function run(
  target: Target,
  { isEnded = false, ...options }: RunOptions = {},
  also: Partial<ConnectionListener> = {},
): Run {
  const events: string[] = [];
  const texts: string[] = [];
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const record = new StreamRecord({ firstEventsKept: 1000, lastEventsKept: 0, bytesKept: 1024 });
  const connection = new Connection(
    target,
    { message: Buffer.from("brick 2\n"), replyTimeoutMs: replyTimeoutMsDefault, record, ...options },
    {
      onOpen(each) {
        events.push("open");
        also.onOpen?.(each);
      },
      onWritten(byteCount, atMs, each) {
        events.push(`written:${byteCount}`);
        also.onWritten?.(byteCount, atMs, each);
      },
      onRead(bytes, atMs, each) {
        events.push(`read:${bytes.length}`);
        texts.push(decodeText(bytes));
        also.onRead?.(bytes, atMs, each);
      },
      onFin(isFromTarget, atMs, each) {
        events.push(isFromTarget ? "fin:target" : "fin:own");
        also.onFin?.(isFromTarget, atMs, each);
      },
      onOver(outcome, each) {
        const ending = "reason" in outcome ? outcome.reason : outcome;
        events.push(`over:${typeof ending === "string" ? ending : ending.code}`);
        also.onOver?.(outcome, each);
        resolve(ending);
      },
    },
  );
  connection.connect();
  if (isEnded) connection.end();
  return { connection, record, events, texts, ending: promise };
}

/** Begins a conversation that says nothing at first. */
export function converse(target: Target, options: RunOptions = {}, also: Partial<ConnectionListener> = {}): Run {
  return run(target, { message: new Uint8Array(0), replyTimeoutMs: undefined, ...options }, also);
}
