/**
 * What an operator's tools ask: is the gateway alive (/healthz), is its server ready (/readyz), what does it do (/metrics).
 *
 * Other targets are asked nothing. For /readyz the gateway connects to the Wirebook server and closes its side without a byte of a message: it sends nothing that a
 * user did not type. Then any sign from the server within `readinessTimeoutMs` will do, bytes or its FIN. A process that
 * hangs gives none, although its kernel goes on accepting connections. A Wirebook server answers such a probe, and says
 * there when it cannot write [W-21]; that answer is read to its end.
 */

import { connect } from "node:net";
import type { FastifyInstance } from "fastify";
import { describeHostPort, encodeProxyHeader } from "@wirebook/net";
import { errorPrefix, notReadyPrefix, plainText } from "@wirebook/protocol";
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
  readonly #config: GatewayConfig;
  readonly #limits: GatewayLimits;
  #answer: Promise<string | undefined> | undefined;
  #staleMs = 0;

  constructor(config: GatewayConfig, limits: GatewayLimits) {
    this.#config = config;
    this.#limits = limits;
  }

  /** `undefined` when the server is ready, else what is wrong. */
  check(): Promise<string | undefined> {
    if (this.#answer !== undefined && performance.now() < this.#staleMs) return this.#answer;
    this.#staleMs = Infinity;
    this.#answer = this.#probe().finally(() => {
      this.#staleMs = performance.now() + this.#limits.readinessKeptMs;
    });
    return this.#answer;
  }

  #probe(): Promise<string | undefined> {
    const { server, proxyProtocol } = this.#config;
    if (server === undefined) return Promise.resolve(undefined);
    const { readinessTimeoutMs } = this.#limits;
    const name = describeHostPort(server);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    let reply = "";
    const socket = connect({ ...server, allowHalfOpen: true });
    const finish = (problem: string | undefined): void => {
      resolve(problem);
      clearTimeout(timer);
      socket.destroy();
    };
    const judge = (): void => {
      const why = notReady.exec(reply)?.[1]?.slice(0, reasonCharactersMax);
      finish(why === undefined ? undefined : `the server ${name} is not ready: ${plainText(why)}`);
    };
    const timer = setTimeout(() => {
      if (reply !== "") return judge();
      finish(
        socket.connecting
          ? `the server ${name} did not accept a connection within ${readinessTimeoutMs} ms`
          : `the server ${name} did not react to a connection within ${readinessTimeoutMs} ms, so it may hang`,
      );
    }, readinessTimeoutMs);
    // A server that expects the PROXY header expects it from a probe too [W-20].
    socket.on("connect", () => (proxyProtocol ? socket.end(encodeProxyHeader()) : socket.end()));
    socket.setEncoding("utf8").on("data", (text: string) => {
      reply += text;
      if (reply.length > probeReplyBytesMax) judge();
    });
    socket.on("end", judge);
    socket.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === "ECONNRESET") finish(`the server ${name} reset a connection (${code})`);
      else finish(`cannot reach the server ${name} (${code ?? message}); start it, or pass --server`);
    });
    return promise;
  }
}
