import type { Socket } from "node:net";

/**
 * Closes a connection at once, by RST (RFC 9293, section 3.10.5, the ABORT call), also while it is being ended.
 *
 * Node tells libuv of a FIN in one turn and hears in a later one that it is out. In between libuv refuses to reset, and Node,
 * which has let go of the handle by then, would never close it. (The exchange library, which the server may not import,
 * does the same for the other end.)
 */
export function abort(socket: Socket): void {
  const isFinOnItsWay = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isFinOnItsWay) socket.once("finish", () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
