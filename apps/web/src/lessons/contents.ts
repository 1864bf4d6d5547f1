/** The lessons in their order. The text of each is loaded when it is opened. */

import type { Lesson } from "./lesson.ts";

export interface LessonEntry {
  /** Of its address, `#lesson=handshake`. */
  readonly id: string;
  readonly title: string;
  readonly minutes: number;
  readonly load: () => Promise<{ readonly lesson: Lesson }>;
}

export const contents: readonly LessonEntry[] = [
  { id: "handshake", title: "What a connection costs", minutes: 5, load: () => import("./01-handshake.ts") },
  { id: "stream", title: "TCP is a stream of bytes", minutes: 5, load: () => import("./02-stream.ts") },
  { id: "message-end", title: "Where a message ends", minutes: 5, load: () => import("./03-message-end.ts") },
  { id: "half-close", title: "FIN, and half a connection", minutes: 5, load: () => import("./04-half-close.ts") },
  { id: "failures", title: "Three ways to fail", minutes: 5, load: () => import("./05-failures.ts") },
  { id: "back-pressure", title: "Back-pressure", minutes: 5, load: () => import("./06-back-pressure.ts") },
  { id: "queue", title: "A queue in front of one server", minutes: 5, load: () => import("./07-queue.ts") },
  { id: "websocket", title: "WebSocket frames and masks", minutes: 5, load: () => import("./08-websocket.ts") },
  { id: "durable", title: "Written is not durable", minutes: 5, load: () => import("./09-durable.ts") },
  { id: "greeting", title: "A server that speaks first", minutes: 5, load: () => import("./10-greeting.ts") },
  { id: "tls", title: "TLS in front of TCP", minutes: 5, load: () => import("./11-tls.ts") },
];
