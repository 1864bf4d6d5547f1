import type { Socket } from "node:net";

/**
 * Closes a connection at once by RST (RFC 9293, section 3.10.5, the ABORT call), also while it is being ended.
 *
 * A FIN only says that nothing further is sent. A server that has lines to send could go on for as long as the kernel
 * remembers the connection, and a client could take a reply that was cut short for a whole one.
 *
 * Node hands a FIN to libuv in one turn and learns in a later one that it was sent. Between the two, libuv refuses to
 * reset, and Node, which has dropped its handle by then, would never close the descriptor.
 *
 * @param written where bytes are written when that is another socket, namely TLS over this one
 */
export function abort(socket: Socket, written: Socket = socket): void {
  const isFinOnItsWay = written.writableEnded && !written.writableFinished && written.writableLength === 0;
  if (socket.connecting)
    socket.destroy(); // There is no connection yet that could be reset.
  else if (isFinOnItsWay) written.once("finish", () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
