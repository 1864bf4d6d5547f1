import { connect } from "node:net";
import type { Socket } from "node:net";

/** Whom to speak to, and from which of this machine's addresses (all of 127.0.0.0/8 are). */
export interface Line {
  readonly port: number;
  readonly from?: string;
}

/** Everything that comes until the connection ends or `isEnough`; a connection that breaks ends like any other. */
export async function exchange(
  { port, from = "127.0.0.1" }: Line,
  send: (socket: Socket) => void,
  isEnough: (reply: string) => boolean = () => false,
): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, localAddress: from, allowHalfOpen: true, noDelay: true });
  const { promise, resolve } = Promise.withResolvers<void>();
  let reply = "";
  socket.on("error", () => resolve());
  socket.on("close", () => resolve());
  socket.on("end", () => resolve());
  socket.setEncoding("utf8").on("data", (text: string) => {
    reply += text;
    if (isEnough(reply)) resolve();
  });
  send(socket);
  await promise;
  socket.destroy();
  return reply;
}

/** Sends a message with its line feed; returns the whole reply. */
export function ask(line: Line, message: string | Uint8Array): Promise<string> {
  return exchange(line, (socket) => socket.write(Buffer.concat([Buffer.from(message), Buffer.from("\n")])));
}
