/**
 * What an operator's tools ask: is the gateway alive (/healthz), is its server ready (/readyz), what does it do (/metrics).
 *
 * Other targets are asked nothing. For /readyz the gateway connects to the Wirebook server and closes its side without a byte of a message: it sends nothing that a
 * user did not type. Then any sign from the server within `readinessTimeoutMs` will do, bytes or its FIN. A process that
 * hangs gives none, although its kernel goes on accepting connections. A Wirebook server answers such a probe, and says
 * there when it cannot write [W-21]; that answer is read to its end.
 */

import type { FastifyInstance } from "fastify";
import { Connection, encodeProxyHeader, ExchangeError } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { countsOnly, errorPrefix, notReadyPrefix, plainText, StreamRecord } from "@wirebook/protocol";
import type { GatewayConfig } from "../config.ts";
import type { GatewayLimits } from "../limits.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { WebSocketConnections } from "../websocket/connections.ts";
import { sendText } from "./static-files.ts";

/** Bytes of the server's answer that are read: one of ours is far shorter, and one that never ends is a sign of life too. */
const probeReplyBytesMax = 64 * 1024;

/** Characters of a server's own reason that /readyz repeats. */
const reasonCharactersMax = 300;

const notReady = new RegExp(`^${errorPrefix}${notReadyPrefix}(.*)$`, "m");

/** Adds /healthz, /readyz and /metrics. */
export function registerHealthRoutes(
  app: FastifyInstance,
  config: GatewayConfig,
  limits: GatewayLimits,
  connections: WebSocketConnections,
  metrics: Metrics,
): void {
  const readiness = new Readiness(config, limits);
  app.get("/healthz", (_request, reply) => sendText(reply, 200, "ok"));
  app.get("/readyz", async (_request, reply) => {
    const problem = connections.isDraining ? "the gateway is stopping" : await readiness.check();
    return sendText(reply, problem === undefined ? 200 : 503, problem ?? "ready");
  });
  app.get("/metrics", async (_request, reply) => {
    void reply.header("cache-control", "no-store").type(metrics.contentType);
    return metrics.text();
  });
}

/** Probes the server on request, but only one probe at a time and one in `readinessKeptMs`. */
class Readiness {
  readonly #server: Target | undefined;
  readonly #limits: GatewayLimits;
  #answer: Promise<string | undefined> | undefined;
  #staleMs = 0;

  constructor({ targets }: GatewayConfig, limits: GatewayLimits) {
    this.#server = targets.find(({ name }) => name === "wirebook");
    this.#limits = limits;
  }

  /** `undefined` when the server is ready, else what is wrong. */
  async check(): Promise<string | undefined> {
    if (this.#server === undefined) return undefined;
    if (this.#answer !== undefined && performance.now() < this.#staleMs) return this.#answer;
    this.#staleMs = Infinity;
    this.#answer = probe(this.#server, this.#limits.readinessTimeoutMs).finally(() => {
      this.#staleMs = performance.now() + this.#limits.readinessKeptMs;
    });
    return this.#answer;
  }
}

function probe(server: Target, timeoutMs: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const decoder = new TextDecoder();
  let reply = "";
  const options = {
    record: new StreamRecord(countsOnly),
    message: new Uint8Array(0),
    // A server that expects the PROXY header expects it from a probe too [W-20].
    proxyHeader: server.proxy && encodeProxyHeader(),
    connectTimeoutMs: timeoutMs,
    replyTimeoutMs: timeoutMs,
  };
  const connection: Connection = new Connection(server, options, {
    onRead(bytes) {
      reply += decoder.decode(bytes, { stream: true });
      if (reply.length > probeReplyBytesMax) connection.cancel();
    },
    onOver(outcome) {
      const why = notReady.exec(reply)?.[1]?.slice(0, reasonCharactersMax);
      if (why !== undefined) resolve(`the server is not ready: ${plainText(why)}`);
      // A server that speaks first and then waits for more is one that lives.
      else resolve(reply === "" && outcome instanceof ExchangeError ? outcome.message : undefined);
    },
  });
  connection.connect().end();
  return promise;
}
