import { connect } from "node:net";
import type { Socket } from "node:net";

/** What a connection received, and how it ended. */
export interface Outcome {
  readonly text: string;
  /** True when the server broke the connection off instead of ending it. */
  readonly isReset: boolean;
}

/** A client that does exactly what it is told, one step at a time. */
export class Peer {
  /** Settles when the server has sent FIN, or the connection broke. */
  readonly outcome: Promise<Outcome>;
  readonly socket: Socket;
  #bytes: Buffer[] = [];
  #wake = (): void => {};

  /** @param closes whether the peer answers the server's FIN with its own, as nearly every client does */
  constructor(socket: Socket, closes: boolean) {
    this.socket = socket;
    this.outcome = new Promise((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        this.#bytes.push(chunk);
        this.#wake();
      });
      socket.on("error", () => resolve({ text: this.text, isReset: true }));
      socket.on("end", () => {
        // libuv reports an RST that comes together with the last bytes as an end. The kernel knows better: a connection
        // that was reset has no peer any more. Node asks it for the address only once, so this must be the first time.
        // After our own FIN there is no telling, since a connection that both have closed has no peer either.
        const isReset = !socket.writableEnded && socket.remoteAddress === undefined;
        if (closes) socket.end();
        resolve({ text: this.text, isReset });
      });
    });
  }

  /** @param localAddress from which it connects; all of 127.0.0.0/8 is this machine */
  static async connect(port: number, closes = true, localAddress = "127.0.0.1"): Promise<Peer> {
    const socket = connect({ port, host: "127.0.0.1", localAddress, allowHalfOpen: true, noDelay: true });
    const peer = new Peer(socket, closes);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return peer;
  }

  /** What has come so far. */
  get text(): string {
    return Buffer.concat(this.#bytes).toString();
  }

  /** Sends bytes; resolves when the kernel has them. */
  async write(bytes: Uint8Array | string): Promise<void> {
    await new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** Sends FIN; resolves when the kernel has it. */
  async end(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.end(() => resolve()));
  }

  /** Breaks the connection. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Stops reading, and waits until the server breaks the connection off, which only a write can notice then. */
  async stallUntilBroken(): Promise<void> {
    const closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.pause();
    const probe = setInterval(() => this.socket.write("x"), 20);
    await closed;
    clearInterval(probe);
  }

  /** Waits until what has come contains a text. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        this.outcome.then(({ text: all }) => {
          if (all.includes(text)) return;
          throw new Error(`the reply ended without ${JSON.stringify(text)}: ${all}`);
        }),
      ]);
    }
  }
}

/** Sends a message and returns the whole reply; throws when the connection broke. */
export async function ask(port: number, message: Uint8Array | string): Promise<string> {
  const peer = await Peer.connect(port);
  await peer.write(message);
  const { text, isReset } = await peer.outcome;
  if (isReset) throw new Error(`the connection broke after ${JSON.stringify(text)}`);
  return text;
}
