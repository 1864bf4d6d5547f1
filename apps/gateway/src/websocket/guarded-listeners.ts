/**
 * Listeners of sockets whose exceptions stay with the page that they were called for.
 *
 * An exception in a listener of a socket would end the process, and with it every other page's connection. The WebSockets
 * of all pages share one set of listeners: with a set for each, an idle WebSocket would need half as much memory again.
 */

import type { RawData, WebSocket } from "ws";

/** Is told of what its listeners throw. */
export interface ErrorOwner {
  onInternalError(error: unknown): void;
}

/** Is told what happens on a WebSocket. */
export interface PageListener extends ErrorOwner {
  onMessage(data: Buffer, isBinary: boolean): void;
  onPing(data: Buffer): void;
  onPong(): void;
  onClose(): void;
  /** `onClose` follows. */
  onError(error: Error): void;
}

/** Calls a listener, and passes what it throws to its owner. */
export function guard(owner: ErrorOwner, listener: () => void): void {
  try {
    listener();
  } catch (error) {
    owner.onInternalError(error);
  }
}

const listenerOf = new WeakMap<WebSocket, PageListener>();

/** Adds the listener. With the default binary type of `ws` a message is a Buffer. */
export function listenTo(webSocket: WebSocket, listener: PageListener): void {
  listenerOf.set(webSocket, listener);
  webSocket.on("message", onMessage).on("ping", onPing).on("pong", onPong).on("close", onClose).on("error", onError);
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

function tell(webSocket: WebSocket, call: (listener: PageListener) => void): void {
  const listener = listenerOf.get(webSocket) as PageListener;
  guard(listener, () => call(listener));
}
