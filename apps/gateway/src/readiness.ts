/** Whether the server can be reached, asked by /readyz. */

import { connect } from "node:net";
import { describeTarget } from "@wirebook/exchange";
import type { Target } from "@wirebook/exchange";

/** How long to try, and how long the answer holds. */
export interface ReadinessLimits {
  readonly readinessTimeoutMs: number;
  readonly readinessKeptMs: number;
}

/** Tries the server when asked, but at most once at a time and once in `readinessKeptMs`. */
export class Readiness {
  readonly #server: Target;
  readonly #limits: ReadinessLimits;
  readonly #preamble: Uint8Array | undefined;
  #answer: Promise<string | undefined> | undefined;
  #staleMs = 0;

  /** @param preamble what a server that trusts this gateway must be told even by one that only looks */
  constructor(server: Target, limits: ReadinessLimits, preamble: Uint8Array | undefined) {
    this.#server = server;
    this.#limits = limits;
    this.#preamble = preamble;
  }

  /** `undefined` when the server accepts connections, else the sentence that says what is wrong. */
  check(): Promise<string | undefined> {
    if (this.#answer !== undefined && performance.now() < this.#staleMs) return this.#answer;
    this.#staleMs = Infinity;
    this.#answer = this.#try().finally(() => {
      this.#staleMs = performance.now() + this.#limits.readinessKeptMs;
    });
    return this.#answer;
  }

  /** Connects and closes without a byte of a message: a server logs those who say something. */
  #try(): Promise<string | undefined> {
    const where = describeTarget(this.#server);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const socket = connect(this.#server);
    const timer = setTimeout(() => {
      resolve(`the server ${where} did not accept a connection within ${this.#limits.readinessTimeoutMs} ms`);
      socket.destroy();
    }, this.#limits.readinessTimeoutMs);
    socket.on("connect", () => {
      resolve(undefined);
      if (this.#preamble === undefined) socket.destroy();
      else socket.end(this.#preamble, () => socket.destroy());
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      resolve(`the server ${where} cannot be reached (${error.code ?? error.message}); start it, or pass --server`);
    });
    socket.on("close", () => clearTimeout(timer));
    return promise;
  }
}
