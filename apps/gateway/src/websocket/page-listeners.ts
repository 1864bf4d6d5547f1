/**
 * One set of listeners for the WebSockets of all pages.
 *
 * With listeners of its own each idle WebSocket would cost half as much again. What they throw goes to the page that they
 * were called for: an exception in a listener of a socket would end the process, and with it every other page's connection.
 */

import type { RawData, WebSocket } from "ws";

/** Who is told what happens on a WebSocket. */
export interface PageListener {
  onMessage(data: Buffer, isBinary: boolean): void;
  onPing(data: Buffer): void;
  onPong(): void;
  onClose(): void;
  /** `onClose` follows. */
  onError(error: Error): void;
  /** One of the others threw this. */
  onInternalError(mistake: unknown): void;
}

const listenerOf = new WeakMap<WebSocket, PageListener>();

/** Tells that listener from now on; with the default binary type of `ws` a message comes as a Buffer. */
export function listenTo(socket: WebSocket, listener: PageListener): void {
  listenerOf.set(socket, listener);
  socket.on("message", onMessage).on("ping", onPing).on("pong", onPong).on("close", onClose).on("error", onError);
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  tell(this, (listener) => listener.onMessage(data as Buffer, isBinary));
}

function onPing(this: WebSocket, data: Buffer): void {
  tell(this, (listener) => listener.onPing(data));
}

function onPong(this: WebSocket): void {
  tell(this, (listener) => listener.onPong());
}

function onClose(this: WebSocket): void {
  tell(this, (listener) => listener.onClose());
}

function onError(this: WebSocket, error: Error): void {
  tell(this, (listener) => listener.onError(error));
}

function tell(socket: WebSocket, what: (listener: PageListener) => void): void {
  const listener = listenerOf.get(socket) as PageListener;
  try {
    what(listener);
  } catch (mistake) {
    listener.onInternalError(mistake);
  }
}
