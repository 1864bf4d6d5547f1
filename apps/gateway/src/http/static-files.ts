/** The built page as files, and what is answered where there is none. */

import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { cacheControl } from "./headers.ts";
import type { Log } from "../telemetry/log.ts";
import { sendText } from "./send-text.ts";

/** Serves the page from its folder. */
export async function addPageFiles(app: FastifyInstance, folder: string, log: Log): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    cacheControl: false,
    dotfiles: "ignore",
    // A page that is not built yet gets a sentence of its own below.
    suppressWarning: true,
    setHeaders: (reply, path) => {
      void reply.header("cache-control", cacheControl(path));
    },
  });
  app.setNotFoundHandler((request, reply) => {
    if (request.method !== "GET" || request.url !== "/")
      return sendText(reply, 404, "there is nothing here; the page is at /");
    const sentence = `the page is not built: ${folder} has no index.html; \`npm start\` builds it`;
    return sendText(reply, 503, sentence);
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const { statusCode = 500, message } = error;
    if (statusCode >= 500) log.mistake(error, { url: request.url });
    return sendText(
      reply,
      statusCode,
      statusCode >= 500 ? "the gateway made a mistake; its log has the details" : message,
    );
  });
}
