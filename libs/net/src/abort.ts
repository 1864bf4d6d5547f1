import type { Socket } from "node:net";

/**
 * Leaves a connection at once, by RST (RFC 9293, section 3.10.5, the ABORT call).
 *
 * A FIN would say no more than that nothing further is sent; a server that has lines to come may go on for as long as
 * the kernel here remembers the connection, and holds a place for nobody meanwhile.
 */
export function abort(socket: Socket): void {
  // Nobody has accepted it yet.
  if (socket.connecting) return void socket.destroy();
  // Node tells libuv of a FIN in one turn and of its being out in a later one. In between libuv refuses to reset, and Node
  // would have lost the descriptor.
  const isFinOnItsWay = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isFinOnItsWay) socket.once("finish", () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
