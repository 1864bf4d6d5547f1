/** The services that lessons talk to, each with one habit that shows something. lessons.ts bounds what they may do. */

import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { WebSocketServer } from "ws";
import { lessonAuthority, lessonCertificate, lessonHost, lessonKey } from "./certificate.ts";

/** Milliseconds for which the queue's server works on each line, and waits for it when the turn of its connection has come. */
const turnMs = 300;
const lineWaitMs = 1000;

/** Milliseconds after which the service that never reads breaks the connection: its page could send nothing else meanwhile. */
const stallMs = 2000;

export interface LessonService {
  readonly transport: "tcp" | "tls";
  /** What the certificate of a TLS service is verified against. */
  readonly tls?: { readonly servername: string; readonly ca: Buffer };
  /** Absent where nothing shall listen. */
  readonly create?: () => Server;
}

/** By the name of the target. */
export const lessonServices: Readonly<Record<string, LessonService>> = {
  "lesson-echo": { transport: "tcp", create: () => createServer(halfOpen, echo) },
  "lesson-greeter": { transport: "tcp", create: () => createServer(halfOpen, greet) },
  "lesson-queue": { transport: "tcp", create: createQueue },
  "lesson-refused": { transport: "tcp" },
  "lesson-reset": {
    transport: "tcp",
    create: () => createServer((socket) => socket.once("data", () => socket.resetAndDestroy())),
  },
  "lesson-silent": { transport: "tcp", create: () => createServer(halfOpen, (socket) => socket.resume()) },
  "lesson-stalled": { transport: "tcp", create: () => createServer({ pauseOnConnect: true }, stall) },
  "lesson-tls": {
    transport: "tls",
    tls: { servername: lessonHost, ca: Buffer.from(lessonAuthority) },
    create: () => createTlsServer({ cert: lessonCertificate, key: lessonKey, ...halfOpen }, echo),
  },
  "lesson-websocket": { transport: "tcp", create: createWebSocketEcho },
};

/** These answer what came before a FIN, and then send their own. */
const halfOpen = { allowHalfOpen: true };

function echo(socket: Socket): void {
  socket.pipe(socket);
}

const greeting = "250 lesson-greeter greets you";
const replies: Readonly<Record<string, string>> = { EHLO: greeting, HELO: greeting, NOOP: "250 OK", QUIT: "221 Bye" };

/** Speaks first, as an SMTP server does (RFC 5321, section 4.3.1). It takes no mail. */
function greet(socket: Socket): void {
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  say("220 lesson-greeter ESMTP, for a lesson: takes no mail");
  const lines = createInterface({ input: socket, crlfDelay: Infinity });
  lines.on("line", (line) => {
    const verb = line.slice(0, 4).toUpperCase();
    say(replies[verb] ?? "500 Unknown command; there is EHLO, NOOP and QUIT");
    if (verb === "QUIT") lines.close();
  });
  lines.on("close", () => socket.resume().end());
  lines.on("error", () => undefined); // It passes on the socket's error, of which the socket's own listener has been told.
}

/** Accepts and never reads. */
function stall(socket: Socket): void {
  const timer = setTimeout(() => socket.resetAndDestroy(), stallMs);
  socket.on("close", () => clearTimeout(timer));
}

/** Accepts every connection at once, and serves one after the other, in the order in which they came. */
function createQueue(): Server {
  let before = Promise.resolve();
  let count = 0;
  return createServer({ ...halfOpen, pauseOnConnect: true }, (socket) => {
    const number = ++count;
    before = before.then(() => takeTurn(socket, number));
  });
}

async function takeTurn(socket: Socket, number: number): Promise<void> {
  if (socket.destroyed) return;
  try {
    await once(socket.resume(), "data", { signal: AbortSignal.timeout(lineWaitMs) });
    await pause(turnMs);
  } catch {
    // No line came, or the client has gone: the next one's turn.
  }
  socket.end(`served, as number ${number}\n`);
}

/** Sends each WebSocket message back. No web page may connect: a browser sends an Origin, which is refused. */
function createWebSocketEcho(): Server {
  const webSockets = new WebSocketServer({ noServer: true });
  const server = createHttpServer();
  server.on("upgrade", (request, socket, head) => {
    if (request.headers.origin !== undefined) return void socket.destroy();
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on("error", () => undefined); // Best effort: `ws` has closed it with the code of the mistake.
      webSocket.on("message", (data, isBinary) => webSocket.send(data, { binary: isBinary }));
    });
  });
  return server;
}
