/** A page as the gateway sees it: a WebSocket that carries any number of exchanges. */

import { once } from "node:events";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";
import { decodeBytes, decodeGatewayFrame, encodeBytes, encodeFrame, subprotocol } from "@wirebook/protocol";
import type { GatewayFrame, PageFrame } from "@wirebook/protocol";

/** The frame with which an exchange ends. */
type LastFrame = Extract<GatewayFrame, { type: "end" | "error" }>;

/** What an exchange received, and how it ended. */
export interface Answer {
  readonly bytes: Buffer;
  readonly last: LastFrame;
}

interface Running {
  readonly reads: Uint8Array[];
  readonly isEnough: ((reply: string) => boolean) | undefined;
  readonly settle: (answer: Answer) => void;
  readonly fail: (error: Error) => void;
}

interface RawOptions {
  /** Written behind the first bytes, a binary frame each. */
  readonly more?: readonly Uint8Array[];
  /** Whether FIN follows. */
  readonly isEnded?: boolean;
}

/** The page; disposing of it drops the connection. */
export class PageClient implements Disposable {
  readonly socket: WebSocket;
  /** Every text frame that came. */
  readonly textFrames: string[] = [];
  /** Frames that fit no exchange, and others that no gateway should send. */
  readonly unexpected: string[] = [];
  readonly #running = new Map<number, Running>();
  #lastId = 0;

  /**
   * @param address `host:port` of the gateway
   * @throws Error when the gateway does not let it in
   */
  static async open(address: string, options: ClientOptions = {}): Promise<PageClient> {
    const socket = new WebSocket(`ws://${address}/ws`, subprotocol, { origin: `http://${address}`, ...options });
    const page = new PageClient(socket);
    await once(socket, "open");
    return page;
  }

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, isBinary) => (isBinary ? this.#takeBytes(data) : this.#takeText(String(data))));
    socket.on("close", (code) => {
      for (const { fail } of this.#running.values()) fail(new Error(`the WebSocket was closed (${code})`));
      this.#running.clear();
    });
    socket.on("error", () => undefined); // `close` follows.
  }

  /** Sends a message of a user, an operation and its arguments; `isEnough` cancels the exchange early. */
  request(user: string, words: readonly string[] = [], isEnough?: (reply: string) => boolean): Promise<Answer> {
    const [operation, ...values] = words;
    return this.#start(isEnough, (id) => ({
      type: "request",
      id,
      user,
      ...(operation === undefined ? {} : { operation: Number(operation) }),
      ...(values.length === 0 ? {} : { arguments: values }),
    }));
  }

  /** Sends bytes. */
  raw(
    bytes: Uint8Array,
    { more = [], isEnded = false }: RawOptions = {},
    isEnough?: (reply: string) => boolean,
  ): Promise<Answer> {
    const isWhole = more.length === 0 && isEnded;
    const base64 = Buffer.from(bytes).toString("base64");
    const answer = this.#start(isEnough, (id) => ({ type: "raw", id, bytes: base64, end: isWhole }));
    for (const piece of more) this.socket.send(encodeBytes(this.#lastId, piece));
    if (isEnded && !isWhole) this.#send({ type: "end", id: this.#lastId });
    return answer;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }

  #start(isEnough: Running["isEnough"], frame: (id: number) => PageFrame): Promise<Answer> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#running.set(id, { reads: [], isEnough, settle: resolve, fail: reject });
    this.#send(frame(id));
    return promise;
  }

  #send(frame: PageFrame): void {
    this.socket.send(encodeFrame(frame));
  }

  #takeBytes(data: Buffer): void {
    const decoded = decodeBytes(data);
    const running = this.#running.get(decoded?.id ?? 0);
    if (decoded === undefined || running === undefined) {
      return void this.unexpected.push(`bytes for no exchange: ${decoded?.id}`);
    }
    running.reads.push(decoded.bytes);
    if (running.isEnough?.(Buffer.concat(running.reads).toString())) this.#send({ type: "cancel", id: decoded.id });
  }

  #takeText(text: string): void {
    this.textFrames.push(text);
    const decoded = decodeGatewayFrame(text);
    if ("problem" in decoded) return void this.unexpected.push(`${decoded.problem}: ${text}`);
    const { frame } = decoded;
    if (frame.type !== "end" && frame.type !== "error") return;
    const running = this.#running.get(frame.id ?? 0);
    if (running === undefined) return void this.unexpected.push(`the end of no exchange: ${text}`);
    this.#running.delete(frame.id ?? 0);
    running.settle({ bytes: Buffer.concat(running.reads), last: frame });
  }
}

/** The reply of an exchange as text, with the error, if it ended in one. */
export function textOf({ bytes, last }: Answer): string {
  return bytes.toString() + (last.type === "error" ? `(${last.code}: ${last.message})` : "");
}
