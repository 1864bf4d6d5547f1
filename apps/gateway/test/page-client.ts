/** A page as the gateway sees it: a WebSocket client that reads frames by the protocol's own schemas. */

import { once } from "node:events";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";
import { decodeBytes, decodeGatewayFrame, encodeBytes, encodeFrame, subprotocol } from "@wirebook/protocol";
import type { GatewayFrame, PageFrame } from "@wirebook/protocol";
import type { Gateway } from "./gateway-fixture.ts";

/** A frame of one type. */
export type FrameOf<Type extends GatewayFrame["type"]> = Extract<GatewayFrame, { type: Type }>;

/** All that came for one exchange. */
export interface Answer {
  readonly open: FrameOf<"open"> | undefined;
  /** The bytes of each binary frame. */
  readonly chunks: Buffer[];
  readonly last: FrameOf<"end"> | FrameOf<"error">;
  readonly text: string;
}

/** How a WebSocket ended. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** What has come for one exchange so far. */
interface Parts {
  open: FrameOf<"open"> | undefined;
  chunks: Buffer[];
  last: FrameOf<"end"> | FrameOf<"error"> | undefined;
}

/** A connected page; disposing of it drops the connection. */
export class Page implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly closing: Promise<Closing>;
  readonly #frames: GatewayFrame[] = [];
  readonly #exchanges = new Map<number, Parts>();
  readonly #watchers = new Set<() => void>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.#takeBytes(data);
      else this.#takeFrame(readText(data.toString()));
      for (const look of this.#watchers) look();
    });
    this.closing = once(socket, "close").then(([code, reason]: unknown[]) => ({
      code: Number(code),
      reason: String(reason),
    }));
  }

  send(frame: PageFrame): void {
    if (frame.type === "request" || frame.type === "raw") this.#exchanges.delete(frame.id);
    this.socket.send(encodeFrame(frame));
  }

  sendBytes(id: number, bytes: Uint8Array): void {
    this.socket.send(encodeBytes(id, bytes));
  }

  /** Begins an exchange and waits for all that comes of it. */
  ask(frame: Extract<PageFrame, { type: "request" | "raw" }>): Promise<Answer> {
    this.send(frame);
    return this.answer(frame.id);
  }

  /** The frames of a type that have come. */
  framesOf<Type extends GatewayFrame["type"]>(type: Type): FrameOf<Type>[] {
    return this.#frames.filter((frame) => frame.type === type) as FrameOf<Type>[];
  }

  /** The bytes of each binary frame that has come for an exchange. */
  chunksOf(id: number): Buffer[] {
    return this.#exchange(id).chunks;
  }

  /** Waits until what has come holds something. */
  until<Found>(find: () => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        const found = find();
        if (found === undefined) return false;
        this.#watchers.delete(settle);
        resolve(found);
        return true;
      };
      if (settle()) return;
      this.#watchers.add(settle);
      void this.closing.then(({ code, reason }) => reject(new Error(`the WebSocket was closed: ${code} ${reason}`)));
    });
  }

  /** Waits for the first frame of a type for which `is` holds. */
  frame<Type extends GatewayFrame["type"]>(
    type: Type,
    is: (frame: FrameOf<Type>) => boolean = () => true,
  ): Promise<FrameOf<Type>> {
    return this.until(() => this.framesOf(type).find(is));
  }

  /** Waits for the first error with that code. */
  error(code: FrameOf<"error">["code"]): Promise<FrameOf<"error">> {
    return this.frame("error", (frame) => frame.code === code);
  }

  /** Waits until so many bytes of an exchange have come, and returns them. */
  bytes(id: number, count: number): Promise<Buffer> {
    return this.until(() => {
      const bytes = Buffer.concat(this.chunksOf(id));
      return bytes.length >= count ? bytes : undefined;
    });
  }

  /** Waits for the end of an exchange. */
  async answer(id: number): Promise<Answer> {
    const last = await this.until(() => this.#exchange(id).last);
    const { open, chunks } = this.#exchange(id);
    return { open, chunks, last, text: Buffer.concat(chunks).toString() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closing;
  }

  #exchange(id: number): Parts {
    const known = this.#exchanges.get(id) ?? { open: undefined, chunks: [], last: undefined };
    this.#exchanges.set(id, known);
    return known;
  }

  #takeFrame(frame: GatewayFrame): void {
    this.#frames.push(frame);
    if (frame.type === "open") this.#exchange(frame.id).open = frame;
    if (frame.type === "end" || (frame.type === "error" && frame.id !== null))
      this.#exchange(frame.id as number).last = frame;
  }

  #takeBytes(data: Buffer): void {
    const decoded = decodeBytes(data);
    if (decoded === undefined) throw new Error(`a binary frame of ${data.length} bytes`);
    this.#exchange(decoded.id).chunks.push(Buffer.from(decoded.bytes));
  }
}

/** Connects a page to a gateway. */
export async function openPage(gateway: Pick<Gateway, "host">, options: ClientOptions = {}): Promise<Page> {
  const { host } = gateway;
  const socket = new WebSocket(`ws://${host}/ws`, subprotocol, {
    origin: `http://${host}`,
    perMessageDeflate: false,
    ...options,
  });
  const page = new Page(socket);
  await once(socket, "open");
  return page;
}

/** The HTTP status with which a WebSocket is refused, and its message. */
export async function refusedPage(
  gateway: Gateway,
  options: ClientOptions = {},
): Promise<[status: number, message: string]> {
  const { host } = gateway;
  const socket = new WebSocket(`ws://${host}/ws`, subprotocol, { origin: `http://${host}`, ...options });
  const [, response] = (await once(socket, "unexpected-response")) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number },
  ];
  let message = "";
  for await (const chunk of response) message += chunk.toString();
  return [response.statusCode, message];
}

function readText(text: string): GatewayFrame {
  const decoded = decodeGatewayFrame(text);
  if ("problem" in decoded) throw new Error(`${decoded.problem}: ${text}`);
  return decoded.frame;
}
