/** The lessons in their order, each of about five minutes. The text of each is loaded when it is opened. */

import type { Lesson } from "./lesson.ts";

export const contents: readonly {
  readonly id: string;
  readonly title: string;
  readonly load: () => Promise<{ readonly lesson: Lesson }>;
}[] = [
  { id: "handshake", title: "What a connection costs", load: () => import("./01-handshake.ts") },
  { id: "stream", title: "TCP is a stream of bytes", load: () => import("./02-stream.ts") },
  { id: "message-end", title: "Where a message ends", load: () => import("./03-message-end.ts") },
  { id: "half-close", title: "FIN, and half a connection", load: () => import("./04-half-close.ts") },
  { id: "failures", title: "Three ways to fail", load: () => import("./05-failures.ts") },
  { id: "back-pressure", title: "Backpressure", load: () => import("./06-back-pressure.ts") },
  { id: "queue", title: "A queue in front of one server", load: () => import("./07-queue.ts") },
  { id: "websocket", title: "WebSocket frames and masks", load: () => import("./08-websocket.ts") },
  { id: "durable", title: "Written is not durable", load: () => import("./09-durable.ts") },
  { id: "greeting", title: "A server that speaks first", load: () => import("./10-greeting.ts") },
  { id: "tls", title: "TLS in front of TCP", load: () => import("./11-tls.ts") },
];
