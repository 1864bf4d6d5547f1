/**
 * What is left of the HTTP request by which a connection became a WebSocket, and how it is let go.
 *
 * Node's response listens to the connection until that closes, and @fastify/websocket's listener for errors has Fastify's
 * request and reply in its scope. With the headers and a logger they would be two thirds of what an idle WebSocket costs.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";

/** The upgrades of one gateway that are under way. */
export class UpgradeRemains {
  readonly #responses = new WeakMap<IncomingMessage, ServerResponse>();

  /** To be called before the upgrade: afterwards there is no other way to the response. */
  note(request: FastifyRequest, reply: FastifyReply): void {
    if (request.ws) this.#responses.set(request.raw, reply.raw);
  }

  /** To be called behind the upgrade, before anybody listens to the WebSocket, which then has no listener for errors. */
  letGo(socket: WebSocket, { raw }: FastifyRequest): void {
    socket.removeAllListeners("error");
    this.#responses.get(raw)?.detachSocket(raw.socket);
  }
}
