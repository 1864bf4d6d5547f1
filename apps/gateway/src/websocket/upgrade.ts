/**
 * How a connection becomes a WebSocket.
 *
 * @fastify/websocket sends an upgrade through the same hooks as other requests, so that they can refuse it with a status.
 * After it nothing refers to the request and its response: with their headers and a logger they would be two thirds of the
 * memory of an idle WebSocket. Node's response listens to the connection until that closes, and the plugin's listener for
 * errors has Fastify's request and reply in its scope.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import fastifyWebsocket from "@fastify/websocket";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { pageFrameBytesMax, subprotocol } from "@wirebook/protocol";
import { sendText } from "../http/responses.ts";
import type { GatewayLimits } from "../limits.ts";

/** Lets the plugin accept upgrades, with the limits on what a page may send. Call it before the hooks that refuse some. */
export async function registerWebSockets(
  app: FastifyInstance,
  limits: GatewayLimits,
  pages: { drain(): Promise<void> },
): Promise<void> {
  // The types of `ws` do not have all of its options yet.
  const options = {
    autoPong: false,
    closeTimeout: limits.closeTimeoutMs,
    handleProtocols: () => subprotocol,
    maxBufferedChunks: limits.framePiecesMax,
    maxFragments: limits.fragmentsMax,
    maxPayload: pageFrameBytesMax,
    perMessageDeflate: false,
  };
  await app.register(fastifyWebsocket, {
    options,
    preClose: async () => {
      await pages.drain();
      app.websocketServer.close();
    },
  });
}

/** @param onWebSocket called before anything listens to the WebSocket, which has no listener for errors */
export function registerWebSocketRoute(
  app: FastifyInstance,
  onWebSocket: (webSocket: WebSocket, request: FastifyRequest) => void,
): void {
  const responses = new WeakMap<IncomingMessage, ServerResponse>();
  app.route({
    method: "GET",
    url: "/ws",
    preHandler: (request, reply, done) => {
      if (request.ws) responses.set(request.raw, reply.raw);
      done();
    },
    handler: (_request, reply) =>
      sendText(reply.header("upgrade", "websocket"), 426, "this address is for WebSockets; the page is at /"),
    wsHandler: (webSocket, request) => {
      webSocket.removeAllListeners("error");
      responses.get(request.raw)?.detachSocket(request.raw.socket);
      onWebSocket(webSocket, request);
    },
  });
}
