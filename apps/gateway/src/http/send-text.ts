import type { FastifyReply } from "fastify";

/** Answers with a sentence, for people and for curl; no cache keeps it. */
export function sendText(reply: FastifyReply, status: number, sentence: string): FastifyReply {
  return reply.code(status).header("cache-control", "no-store").type("text/plain; charset=utf-8").send(`${sentence}\n`);
}
