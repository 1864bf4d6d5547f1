/** A client of the relay: a WebSocket whose messages are a target's bytes, and nothing beside them. */

import { once } from "node:events";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";
import type { Closing } from "./page-client.ts";
import { Watched } from "./watched.ts";

/** How a test wants it otherwise. */
export interface RelayClientOptions extends ClientOptions {
  /** What it offers; nothing, unless it is said. */
  readonly protocols?: readonly string[];
  /** Sees each message; without it they are kept. */
  readonly onMessage?: (bytes: Buffer) => void;
}

/** The client; disposing of it drops the connection. */
export class RelayClient implements Disposable, AsyncDisposable {
  readonly socket: WebSocket;
  readonly closing: Promise<Closing>;
  /** Those that were kept. */
  readonly messages: Buffer[] = [];
  receivedBytes = 0;
  readonly #watched = new Watched();
  #closing: Closing | undefined;

  /**
   * @param address `host:port` of the gateway
   * @throws Error when the gateway does not let it in
   */
  static async open(address: string, target: string, options: RelayClientOptions = {}): Promise<RelayClient> {
    const { protocols = [], onMessage, ...rest } = options;
    const socket = new WebSocket(`ws://${address}/tcp/${target}`, [...protocols], {
      perMessageDeflate: false,
      ...rest,
    });
    const client = new RelayClient(socket, onMessage);
    await once(socket, "open");
    return client;
  }

  private constructor(socket: WebSocket, onMessage: ((bytes: Buffer) => void) | undefined) {
    this.socket = socket;
    socket.on("message", (bytes: Buffer, isBinary) => {
      if (!isBinary) throw new Error("the relay sent a text message");
      this.receivedBytes += bytes.length;
      if (onMessage === undefined) this.messages.push(bytes);
      else onMessage(bytes);
      this.#watched.changed();
    });
    socket.on("error", () => undefined); // `close` follows.
    this.closing = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.#closing = { code, reason: String(reason) };
        resolve(this.#closing);
        this.#watched.changed();
      });
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.messages);
  }

  /** Sends a message; resolves when the kernel has it, or the WebSocket is gone. */
  send(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => this.socket.send(bytes, () => resolve()));
  }

  /** Closes, which becomes FIN at the target; resolves when the gateway has closed, too. */
  end(): Promise<Closing> {
    this.socket.close(1000);
    return this.closing;
  }

  /** Resolves when so many bytes have come, with those that were kept. */
  received(byteCount: number): Promise<Buffer> {
    return this.#watched.until(() => {
      if (this.receivedBytes >= byteCount) return this.bytes;
      if (this.#closing === undefined) return undefined;
      throw new Error(`the relay was closed: ${this.#closing.code} ${this.#closing.reason}`);
    });
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closing;
  }
}
