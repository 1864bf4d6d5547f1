/** Writers at several servers, which go on whatever happens. */

import { setTimeout as wait } from "node:timers/promises";
import { ask } from "../../../test-support/tcp-client.ts";
import type { Acknowledgements } from "./consistency.ts";

const writersEach = 4;
/** Milliseconds before a writer tries again that was not answered, or was answered with an error. */
const afterErrorMs = 50;

/** The writers of one trial. */
export class ClusterWriters implements AsyncDisposable {
  readonly #acknowledgements: Acknowledgements;
  readonly #writing: Promise<void>[] = [];
  #isOver = false;

  /** @param ports a server may be named twice */
  constructor(acknowledgements: Acknowledgements, ports: readonly number[]) {
    this.#acknowledgements = acknowledgements;
    for (const [at, port] of ports.flatMap((each) => Array.from({ length: writersEach }, () => each)).entries()) {
      this.#writing.push(this.#write(at, port));
    }
  }

  /** Waits for the requests that run. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#writing);
  }

  async #write(writer: number, port: number): Promise<void> {
    for (let number = 1; !this.#isOver; number++) {
      const key = `w${writer}-${number}`;
      this.#acknowledgements.send(key);
      if (isAcknowledged(await ask(port, key))) this.#acknowledgements.acknowledge(key);
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
