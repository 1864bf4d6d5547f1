/**
 * The file of `--pcap`: the packets of every exchange, in the order in which they are noted.
 *
 * Serving never waits for it. Blocks go to a stream whose queue is bounded: what does not fit into it, because the disk is
 * slower than the network, is left out, as is what comes after the file is full. Both are logged once, and counted.
 */

import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { Capture, isPcapng } from "@wirebook/capture";
import { openOutputFile } from "@wirebook/settings";
import type { GatewayLimits } from "../limits.ts";

/** A capture on its way into a file. */
export class PcapFile {
  readonly capture: Capture;
  readonly #path: string;
  readonly #stream: WriteStream;
  readonly #notice: (message: string) => void;
  readonly #noticed = new Set<string>();
  #isBroken = false;

  /**
   * Opens the file and writes its header; an older capture is replaced.
   *
   * @param notice called once for each reason for which packets are missing
   * @throws SettingsError when the file is something else, or cannot be written
   */
  constructor(path: string, application: string, limits: GatewayLimits, notice: (message: string) => void) {
    this.#path = path;
    this.#notice = notice;
    this.#stream = createWriteStream(path, {
      fd: openOutputFile(path, { option: "--pcap", name: "pcapng", isHead: isPcapng }),
    });
    this.#stream.on("error", (error) => this.#break(error));
    const { pcapBytesMax, pcapQueuedBytesMax } = limits;
    this.capture = new Capture({ write: (block) => this.#write(block, pcapQueuedBytesMax) }, application, pcapBytesMax);
    this.capture.onFull = () => this.#tell(`${path} is full at ${pcapBytesMax} bytes; no more packets are written`);
  }

  /** Writes what is queued, and closes the file. */
  async close(): Promise<void> {
    const { lostPackets } = this.capture;
    if (lostPackets > 0) this.#notice(`${lostPackets} packets are not in ${this.#path}`);
    if (this.#isBroken) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stream.once("close", resolve);
    this.#stream.end();
    await promise;
  }

  #write(block: Uint8Array, queuedBytesMax: number): boolean {
    if (this.#isBroken) return false;
    if (this.#stream.writableLength + block.length > queuedBytesMax) {
      this.#tell(`the disk of ${this.#path} is too slow; packets are dropped`);
      return false;
    }
    this.#stream.write(block);
    return true;
  }

  #break(error: NodeJS.ErrnoException): void {
    this.#isBroken = true;
    this.#tell(`${this.#path} cannot be written (${error.code ?? error.message}); the gateway goes on without it`);
  }

  #tell(message: string): void {
    if (this.#noticed.has(message)) return;
    this.#noticed.add(message);
    this.#notice(message);
  }
}
