/** Exchanges whose every event is written down. */

import { decodeText } from "@wirebook/protocol";
import type { EndReason } from "@wirebook/protocol";
import { Exchange } from "../src/index.ts";
import type { ExchangeError, ExchangeListener, ExchangeOptions, Target } from "../src/index.ts";

/** How an exchange came to its end. */
type Ending = EndReason | ExchangeError;

/** An exchange under way, and what it has told its listener. */
export interface Run {
  readonly exchange: Exchange;
  /** `established`, `written`, `chunk:3`, `drain`, …, and last `fin`, `cancelled` or the error's code. */
  readonly events: readonly string[];
  readonly texts: readonly string[];
  readonly ending: Promise<Ending>;
}

/** Begins an exchange with the message `brick 2`, unless the options say otherwise. */
export function run(target: Target, options: Partial<ExchangeOptions> = {}, also: Partial<ExchangeListener> = {}): Run {
  const events: string[] = [];
  const texts: string[] = [];
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const exchange = new Exchange(
    target,
    { message: Buffer.from("brick 2\n"), ...options },
    {
      onStep(step, each) {
        events.push(step);
        also.onStep?.(step, each);
      },
      onChunk(chunk, each) {
        events.push(`chunk:${chunk.length}`);
        texts.push(decodeText(chunk));
        also.onChunk?.(chunk, each);
      },
      onDrain(each) {
        events.push("drain");
        also.onDrain?.(each);
      },
      onEnd(reason) {
        events.push(`end:${reason}`);
        resolve(reason);
      },
      onError(error) {
        events.push(`error:${error.code}`);
        resolve(error);
      },
    },
  );
  return { exchange, events, texts, ending: promise };
}
