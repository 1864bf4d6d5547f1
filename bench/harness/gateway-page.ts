/** A page as a fault test needs one: a WebSocket to a gateway, over which exchanges are begun and waited for. */

import { once } from "node:events";
import { WebSocket } from "ws";
import { decodeBytes, decodeGatewayFrame, encodeBytes, encodeFrame, subprotocol } from "@wirebook/protocol";
import type { GatewayFrame, PageFrame } from "@wirebook/protocol";

/** The frame with which an exchange ends. */
type LastFrame = Extract<GatewayFrame, { type: "end" | "error" }>;

/** What came of an exchange. */
export interface Answer {
  readonly bytes: Buffer;
  readonly last: LastFrame;
}

interface Waiting {
  readonly chunks: Buffer[];
  readonly settle: (answer: Answer) => void;
  readonly fail: (error: Error) => void;
}

/** The page; disposing of it drops the connection. */
export class GatewayPage implements Disposable {
  readonly socket: WebSocket;
  /** Frames that fit no exchange, and others that no gateway should send. */
  readonly oddities: string[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #id = 0;

  /** @throws Error when the gateway does not let it in */
  static async open(port: number): Promise<GatewayPage> {
    const address = `127.0.0.1:${port}`;
    const page = new GatewayPage(new WebSocket(`ws://${address}/ws`, subprotocol, { origin: `http://${address}` }));
    await once(page.socket, "open");
    return page;
  }

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, isBinary) => (isBinary ? this.#takeBytes(data) : this.#takeFrame(data)));
    socket.on("close", (code) => {
      for (const { fail } of this.#waiting.values()) fail(new Error(`the WebSocket was closed (${code})`));
      this.#waiting.clear();
    });
    socket.on("error", () => undefined); // `close` follows.
  }

  /** Begins a raw exchange; `more` are written behind its bytes, a binary frame each, and then FIN if `isEnded`. */
  raw(bytes: Uint8Array, { more = [], isEnded = false }: { more?: readonly Uint8Array[]; isEnded?: boolean } = {}) {
    const id = ++this.#id;
    const isWhole = more.length === 0 && isEnded;
    const answer = this.#expect(id);
    this.#send({ type: "raw", id, bytes: Buffer.from(bytes).toString("base64"), end: isWhole });
    for (const piece of more) this.socket.send(encodeBytes(id, piece));
    if (isEnded && !isWhole) this.#send({ type: "end", id });
    return answer;
  }

  /** Begins a request of words. */
  request(user: string, operation?: number): Promise<Answer> {
    const id = ++this.#id;
    const answer = this.#expect(id);
    this.#send({ type: "request", id, user, ...(operation === undefined ? {} : { operation }) });
    return answer;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }

  #send(frame: PageFrame): void {
    this.socket.send(encodeFrame(frame));
  }

  #expect(id: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, { chunks: [], settle: resolve, fail: reject });
    return promise;
  }

  #takeBytes(data: Buffer): void {
    const decoded = decodeBytes(data);
    const waiting = this.#waiting.get(decoded?.id ?? 0);
    if (decoded === undefined || waiting === undefined) this.oddities.push(`bytes for no exchange: ${decoded?.id}`);
    else waiting.chunks.push(Buffer.from(decoded.bytes));
  }

  #takeFrame(data: Buffer): void {
    const decoded = decodeGatewayFrame(data.toString());
    if ("problem" in decoded) return void this.oddities.push(`${decoded.problem}: ${data.toString()}`);
    const { frame } = decoded;
    if (frame.type !== "end" && frame.type !== "error") return;
    const waiting = this.#waiting.get(frame.id ?? 0);
    if (waiting === undefined) return void this.oddities.push(`the end of no exchange: ${data.toString()}`);
    this.#waiting.delete(frame.id ?? 0);
    waiting.settle({ bytes: Buffer.concat(waiting.chunks), last: frame });
  }
}
