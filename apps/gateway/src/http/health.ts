/**
 * What an operator's tools ask: is the gateway alive (/healthz), is its server ready (/readyz), what does it do (/metrics).
 *
 * For /readyz the gateway connects to the Wirebook server alone, and closes its side: it sends nothing that a user did not
 * type. Then any bytes or a FIN will do, which a process that hangs does not give. A server says there if it cannot write
 * [W-21].
 */

import type { FastifyInstance } from "fastify";
import { Connection, encodeProxyHeader, ExchangeError, type Target } from "@wirebook/net";
import { countsOnly, errorPrefix, notReadyPrefix, plainText, StreamRecord } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { sendText } from "./static-files.ts";

/** Bytes of the server's answer that are read, since it may never end, and characters of its reason that are repeated. */
const probeReplyBytesMax = 64 * 1024;
const reasonCharactersMax = 300;

const notReady = new RegExp(`^${errorPrefix}${notReadyPrefix}(.*)$`, "m");

/** @param server the Wirebook server, where there is one */
export function registerHealthRoutes(
  app: FastifyInstance,
  server: Target | undefined,
  limits: GatewayLimits,
  metrics: Metrics,
  isStopping: () => boolean,
): void {
  const { readinessTimeoutMs, readinessKeptMs } = limits;
  let answer: Promise<string | undefined> = Promise.resolve(undefined);
  let staleMs = 0;
  // One probe at a time, and one in `readinessKeptMs`, whoever asks.
  const check = (target: Target): Promise<string | undefined> => {
    if (performance.now() < staleMs) return answer;
    staleMs = Infinity;
    answer = probe(target, readinessTimeoutMs).finally(() => (staleMs = performance.now() + readinessKeptMs));
    return answer;
  };
  app.get("/healthz", (_request, reply) => sendText(reply, 200, "ok"));
  app.get("/readyz", async (_request, reply) => {
    const problem = isStopping() ? "the gateway is stopping" : server && (await check(server));
    return sendText(reply, problem === undefined ? 200 : 503, problem ?? "ready");
  });
  app.get("/metrics", (_request, reply) =>
    reply.header("cache-control", "no-store").type(metrics.contentType).send(metrics.text()),
  );
}

/** `undefined` when the server is ready, else what is wrong. */
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
