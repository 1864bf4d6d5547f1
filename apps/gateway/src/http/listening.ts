import type { FastifyInstance } from "fastify";

/** The port on which an app listens, which is the system's choice when the operator's was 0. */
export function listeningPort(app: FastifyInstance): number {
  const address = app.server.address();
  return address === null || typeof address === "string" ? 0 : address.port;
}
