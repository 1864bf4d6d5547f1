/** Clients that write all the time, delete now and then, and remember what they were told. */

import type { Random } from "../../../test-support/random.ts";
import { ask } from "../../../test-support/tcp-client.ts";
import type { Ledger } from "./ledger.ts";

/** Of the deletes, one in so many deletes all. */
const deletesForOneOfAll = 10;
/** A delete names one of the first lines. */
const deletedLineMax = 40;

/** Writers that go on over crashes: their requests are numbered on. */
export class Writers {
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #numbers: number[];
  readonly #deleteShare: number;
  /** Requests that were answered, rightly or with an error. */
  answered = 0;
  /** Those that were answered with an error, by their key, with its sentence. */
  readonly refused = new Map<string, string>();

  constructor(ledger: Ledger, random: Random, { count = 8, deleteShare = 0.03 } = {}) {
    this.#ledger = ledger;
    this.#random = random;
    this.#numbers = Array.from({ length: count }, () => 0);
    this.#deleteShare = deleteShare;
  }

  /** Sends requests until one is not answered any more, for then the server has gone, or until it is enough. */
  async run(port: number, isEnough: () => boolean = () => false): Promise<void> {
    await Promise.all(
      this.#numbers.map(async (_, client) => {
        while (!isEnough() && (await this.#request(port, client)));
      }),
    );
  }

  /** One request of a client; false when it got no answer. */
  async #request(port: number, client: number): Promise<boolean> {
    const number = (this.#numbers[client] ?? 0) + 1;
    this.#numbers[client] = number;
    const key = `c${client}-${number}`;
    if (!this.#random.chance(this.#deleteShare)) return this.#judge(key, undefined, await ask(port, key));
    if (this.#random.chance(1 / deletesForOneOfAll))
      return this.#judge(key, "deleted-all", await ask(port, `${key} 3`));
    const line = this.#random.between(1, deletedLineMax);
    return this.#judge(key, "deleted-line", await ask(port, `${key} 1 ${line}`));
  }

  /** A reply, or any part of one, is proof of the request's line; unless it says that the line could not be written. */
  #judge(key: string, verb: string | undefined, reply: string): boolean {
    if (reply === "") return false;
    this.answered += 1;
    const isDone = /\nDeleted (?:line \d+|all)\.\n$/.test(reply);
    const [, sentence] = /\nError: (.*)\n$/.exec(reply) ?? [];
    const isRefused = sentence !== undefined;
    if (isRefused) this.refused.set(key, sentence);
    if (isDone || !isRefused) this.#ledger.acknowledge(key, isDone ? `${key} ${verb}` : undefined);
    return true;
  }
}
