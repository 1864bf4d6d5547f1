/**
 * Whether the server is ready, asked by /readyz.
 *
 * The gateway connects and closes its side without a byte of a message: it says nothing that a user did not type. Then any
 * sign from the server within `readinessTimeoutMs` will do, be it bytes or its FIN, since a process that hangs gives none,
 * although its kernel goes on accepting connections. A Wirebook server answers such a probe, and says there when it cannot
 * write [W-21]; that answer is read to its end.
 */

import { connect } from "node:net";
import { describeTarget } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { errorPrefix, notReadyPrefix, plainText } from "@wirebook/protocol";
import { probeReplyBytesMax, reasonCharactersMax } from "../limits.ts";

/** How long to wait for a sign, and how long the answer holds. */
export interface ReadinessLimits {
  readonly readinessTimeoutMs: number;
  readonly readinessKeptMs: number;
}

const notReady = new RegExp(`^${errorPrefix}${notReadyPrefix}(.*)$`, "m");

/** Tries the server when asked, but at most once at a time and once in `readinessKeptMs`. */
export class Readiness {
  readonly #server: Target;
  readonly #limits: ReadinessLimits;
  readonly #proxyHeader: Uint8Array;
  #answer: Promise<string | undefined> | undefined;
  #staleMs = 0;

  /** @param proxyHeader what a server that trusts this gateway must be told even by one that only looks */
  constructor(server: Target, limits: ReadinessLimits, proxyHeader: Uint8Array = new Uint8Array(0)) {
    this.#server = server;
    this.#limits = limits;
    this.#proxyHeader = proxyHeader;
  }

  /** `undefined` when the server is ready, else the sentence that says what is wrong. */
  check(): Promise<string | undefined> {
    if (this.#answer !== undefined && performance.now() < this.#staleMs) return this.#answer;
    this.#staleMs = Infinity;
    this.#answer = this.#try().finally(() => {
      this.#staleMs = performance.now() + this.#limits.readinessKeptMs;
    });
    return this.#answer;
  }

  #try(): Promise<string | undefined> {
    const { readinessTimeoutMs } = this.#limits;
    const where = describeTarget(this.#server);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    let reply = "";
    const socket = connect({ ...this.#server, allowHalfOpen: true });
    const finish = (problem: string | undefined): void => {
      resolve(problem);
      clearTimeout(timer);
      socket.destroy();
    };
    const judge = (): void => {
      const [, why] = notReady.exec(reply) ?? [];
      finish(
        why === undefined
          ? undefined
          : `the server ${where} is not ready: ${plainText(why.slice(0, reasonCharactersMax))}`,
      );
    };
    const timer = setTimeout(() => {
      if (reply !== "") return judge();
      const within = `within ${readinessTimeoutMs} ms`;
      const what = socket.connecting
        ? `accept a connection ${within}`
        : `react to a connection ${within}, so it may hang`;
      finish(`the server ${where} did not ${what}`);
    }, readinessTimeoutMs);
    socket.on("connect", () => socket.end(this.#proxyHeader));
    socket.setEncoding("utf8").on("data", (text: string) => {
      reply += text;
      if (reply.length > probeReplyBytesMax) judge();
    });
    socket.on("end", judge);
    socket.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === "ECONNRESET") finish(`the server ${where} broke a connection off (${code})`);
      else finish(`the server ${where} cannot be reached (${code ?? message}); start it, or pass --server`);
    });
    return promise;
  }
}
