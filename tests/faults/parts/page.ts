/** A page as a gateway sees it, as far as fault tests need one. */

import { once } from "node:events";
import { WebSocket } from "ws";
import { decodeBytes, decodeGatewayFrame, encodeFrame, subprotocol } from "@wirebook/protocol";
import type { PageFrame } from "@wirebook/protocol";

interface Waiting {
  reply: string;
  readonly isEnough: (reply: string) => boolean;
  readonly resolve: (reply: string) => void;
}

/** A WebSocket that carries one exchange after another, or many at once. */
export class Page implements AsyncDisposable {
  /** The text of every frame that came, for those who look for something in it. */
  readonly frames: string[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  static async open(port: number): Promise<Page> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, subprotocol, { origin: `http://127.0.0.1:${port}` });
    const page = new Page(socket);
    await once(socket, "open");
    return page;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer, isBinary) => (isBinary ? this.#takeBytes(data) : this.#takeText(String(data))));
  }

  /** The whole reply, or as much as is enough: then the exchange is cancelled. */
  request(user: string, words: readonly string[], isEnough: (reply: string) => boolean = () => false): Promise<string> {
    const [operation, ...values] = words;
    return this.#ask(isEnough, (id) => ({
      type: "request",
      id,
      user,
      ...(operation === undefined ? {} : { operation: Number(operation) }),
      ...(values.length === 0 ? {} : { arguments: values }),
    }));
  }

  /** The same for bytes. */
  raw(bytes: Uint8Array, isEnough: (reply: string) => boolean = () => false): Promise<string> {
    const base64 = Buffer.from(bytes).toString("base64");
    return this.#ask(isEnough, (id) => ({ type: "raw", id, bytes: base64, end: false }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await once(this.#socket, "close");
  }

  #ask(isEnough: (reply: string) => boolean, frame: (id: number) => PageFrame): Promise<string> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, { reply: "", isEnough, resolve });
      this.#socket.send(encodeFrame(frame(id)));
    });
  }

  #takeBytes(data: Buffer): void {
    const decoded = decodeBytes(data);
    const waiting = decoded && this.#waiting.get(decoded.id);
    if (decoded === undefined || waiting === undefined) return;
    waiting.reply += Buffer.from(decoded.bytes).toString();
    if (!waiting.isEnough(waiting.reply)) return;
    this.#socket.send(encodeFrame({ type: "cancel", id: decoded.id }));
    this.#settle(decoded.id);
  }

  #takeText(text: string): void {
    this.frames.push(text);
    const decoded = decodeGatewayFrame(text);
    if (!("frame" in decoded)) throw new Error(decoded.problem);
    const { frame } = decoded;
    if (frame.type !== "end" && frame.type !== "error") return;
    const waiting = frame.id === null ? undefined : this.#waiting.get(frame.id);
    if (waiting === undefined || frame.id === null) return;
    if (frame.type === "error") waiting.reply += `(${frame.code}: ${frame.message})`;
    this.#settle(frame.id);
  }

  #settle(id: number): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.resolve(waiting.reply);
  }
}
