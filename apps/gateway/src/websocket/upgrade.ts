/**
 * How a connection becomes a WebSocket: `/ws` for a page, `/tcp/NAME` for a client of the relay.
 *
 * @fastify/websocket sends an upgrade through the same hooks as other requests, so that they can refuse it with a status.
 */

import type { IncomingMessage } from "node:http";
import fastifyWebsocket from "@fastify/websocket";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import type { Target } from "@wirebook/net";
import { pageFrameBytesMax, subprotocol } from "@wirebook/protocol";
import { sendText } from "../http/static-files.ts";
import type { GatewayLimits } from "../limits.ts";

/** Call it before the hooks that refuse some upgrades. */
export async function registerWebSockets(
  app: FastifyInstance,
  limits: GatewayLimits,
  hasRelay: boolean,
  drain: () => Promise<unknown>,
): Promise<void> {
  // The types of `ws` do not have all of its options yet.
  const options = {
    autoPong: false,
    closeTimeout: limits.closeTimeoutMs,
    handleProtocols: chooseProtocol,
    maxBufferedChunks: limits.framePiecesMax,
    maxFragments: limits.fragmentsMax,
    maxPayload: hasRelay ? limits.relayMessageBytesMax : pageFrameBytesMax,
    perMessageDeflate: false,
  };
  await app.register(fastifyWebsocket, {
    options,
    // The plugin's own would log each client's mistake with a stack, and cut it off before `ws` has told it the reason.
    errorHandler: () => undefined,
    preClose: async () => {
      await drain();
      app.websocketServer.close();
    },
  });
}

/** A page asks for ours. A client of the relay gets `binary`, as websockify's clients ask for, else its first. */
function chooseProtocol(offered: Set<string>, { url = "" }: IncomingMessage): string | false {
  if (/^\/ws(?:$|\?)/.test(url)) return subprotocol;
  return offered.has("binary") ? "binary" : (offered.values().next().value ?? false);
}

/** @param onWebSocket called before anything listens to the WebSocket, with the target of a relay */
export function registerWebSocketRoutes(
  app: FastifyInstance,
  relayTargets: ReadonlyMap<string, Target>,
  onWebSocket: (webSocket: WebSocket, request: FastifyRequest, relayTarget: Target | undefined) => void,
): void {
  const relays = [...relayTargets].map(([name, target]) => [`/tcp/${name}`, target] as const);
  for (const [url, relayTarget] of [["/ws", undefined] as const, ...relays]) {
    app.route({
      method: "GET",
      url,
      handler: (_request, reply) =>
        sendText(reply.header("upgrade", "websocket"), 426, "this address is for WebSockets; the page is at /"),
      wsHandler: (webSocket, request) => onWebSocket(webSocket, request, relayTarget),
    });
  }
}
