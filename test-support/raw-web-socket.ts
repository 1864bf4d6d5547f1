/** A WebSocket by hand (RFC 6455), for what no library would send. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { subprotocol } from "@wirebook/protocol";

/** Opcodes (section 5.2). */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The answer to a request to become a WebSocket. */
export interface Upgraded {
  readonly status: number;
  readonly socket: Socket;
}

/** The head of a request, a line an entry. */
export interface RequestHead {
  readonly requestLine?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The headers without which no gateway makes a WebSocket. */
export function upgradeHeaders(host: string, origin: string): Record<string, string> {
  return {
    Host: host,
    Origin: origin,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    "Sec-WebSocket-Protocol": subprotocol,
  };
}

/** Sends a head and waits for the status line; 0 when the connection was closed without one. The socket stays open. */
export async function handshake(
  port: number,
  { requestLine = "GET /ws HTTP/1.1", headers }: RequestHead,
): Promise<Upgraded> {
  const socket = connect(port, "127.0.0.1");
  // Best effort: what a gateway does to such connections is what is looked at.
  socket.on("error", () => socket.destroy());
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${requestLine}\r\n${lines.join("")}\r\n`, "latin1");
  const answered = once(socket, "data") as Promise<[Buffer]>;
  const head = await Promise.race([answered.then(([data]) => data.toString("latin1")), once(socket, "close")]);
  socket.resume();
  const status = typeof head === "string" ? Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0) : 0;
  return { status, socket };
}

/** A masked frame; `isLast` false leaves its message open for continuations. */
export function encodeClientFrame(opcode: number, payload: Uint8Array, isLast = true): Buffer {
  const size = payload.length;
  const header = Buffer.alloc(size < 126 ? 2 : 4);
  header[0] = (isLast ? 0x80 : 0) | opcode;
  header[1] = 0x80 | Math.min(size, 126);
  if (size >= 126) header.writeUInt16BE(size, 2);
  const key = randomBytes(4);
  return Buffer.concat([header, key, payload.map((byte, at) => byte ^ (key[at % 4] as number))]);
}
