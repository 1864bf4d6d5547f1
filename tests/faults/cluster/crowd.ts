/** Writers, some at each of several servers, that go on whatever happens. */

import { setTimeout as wait } from "node:timers/promises";
import { ask } from "../history/ask.ts";
import type { Counters } from "./tally.ts";

const writersEach = 4;
/** Milliseconds before a writer tries again that was not answered, or was answered with an error. */
const afterErrorMs = 50;

/** The writers of one trial. */
export class Crowd implements AsyncDisposable {
  readonly #tally: Counters;
  readonly #writing: Promise<void>[] = [];
  #isOver = false;

  /** @param ports a server may be named twice */
  constructor(tally: Counters, ports: readonly number[]) {
    this.#tally = tally;
    for (const [at, port] of ports.flatMap((each) => Array.from({ length: writersEach }, () => each)).entries()) {
      this.#writing.push(this.#write(at, port));
    }
  }

  /** Lets them finish what they have begun. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#writing);
  }

  async #write(writer: number, port: number): Promise<void> {
    for (let number = 1; !this.#isOver; number++) {
      const key = `w${writer}-${number}`;
      this.#tally.send(key);
      if (isAcknowledged(await ask(port, key))) this.#tally.acknowledge(key);
      else await wait(afterErrorMs);
    }
  }
}

/** A reply that is no error is proof of the request's line. */
export function isAcknowledged(reply: string): boolean {
  return reply !== "" && !/^Error: /m.test(reply);
}

/** Resolves when a server acknowledges again; with the milliseconds that it took. @throws Error after `withinMs` */
export async function answersAgain(port: number, withinMs: number): Promise<number> {
  const startedMs = performance.now();
  while (!isAcknowledged(await ask(port, "probe"))) {
    if (performance.now() - startedMs > withinMs)
      throw new Error(`the server did not acknowledge within ${withinMs} ms`);
    await wait(afterErrorMs);
  }
  return performance.now() - startedMs;
}
