/** The built page as files, and the answers where there is no file. */

import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import type { Log } from "../telemetry/access-log.ts";
import { sendText } from "./responses.ts";

/** Serves the page from its folder. */
export async function registerStaticFiles(app: FastifyInstance, folder: string, log: Log): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    cacheControl: false,
    dotfiles: "ignore",
    // A page that is not built yet gets a message of its own below.
    suppressWarning: true,
    setHeaders: (reply, path) => {
      void reply.header("cache-control", cacheControl(path));
    },
  });
  app.setNotFoundHandler((request, reply) => {
    if (request.method !== "GET" || request.url !== "/") return sendText(reply, 404, "not found; the page is at /");
    return sendText(reply, 503, `the page is not built: ${folder} has no index.html; run \`npm start\` to build it`);
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const { statusCode = 500, message } = error;
    if (statusCode < 500) return sendText(reply, statusCode, message);
    log.internalError(error, { url: request.url });
    return sendText(reply, statusCode, "internal error in the gateway; see its log");
  });
}

/** How long a browser may keep a file of the page: Vite puts a hash of the content into the names under `assets/`. */
function cacheControl(path: string): string {
  return /[\\/]assets[\\/][^\\/]+$/.test(path) ? "public, max-age=31536000, immutable" : "no-cache";
}
