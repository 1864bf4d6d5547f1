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

/** How much of it there may be, in the file and on the way to it. */
export interface PcapLimits {
  readonly pcapBytesMax: number;
  readonly pcapQueuedBytesMax: number;
}

/** A capture on its way into a file. */
export class PcapFile {
  readonly capture: Capture;
  readonly #path: string;
  readonly #stream: WriteStream;
  readonly #notice: (sentence: string) => void;
  readonly #noticed = new Set<string>();
  #isBroken = false;

  /**
   * Opens the file and writes its head; a capture that was there before is replaced.
   *
   * @param notice told once of each reason for which packets are missing
   * @throws SettingsError when it holds something else, or cannot be written
   */
  constructor(path: string, application: string, limits: PcapLimits, notice: (sentence: string) => void) {
    this.#path = path;
    this.#notice = notice;
    this.#stream = createWriteStream(path, {
      fd: openOutputFile(path, { option: "--pcap", name: "pcapng", isHead: isPcapng }),
    });
    this.#stream.on("error", (error) => this.#break(error));
    const { pcapBytesMax, pcapQueuedBytesMax } = limits;
    this.capture = new Capture({ write: (block) => this.#write(block, pcapQueuedBytesMax) }, application, pcapBytesMax);
    this.capture.onFull = () => this.#tell(`${path} is full at ${pcapBytesMax} bytes; nothing more is written to it`);
  }

  /** Writes what still waits, and closes the file. */
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
      this.#tell(`the disk of ${this.#path} is too slow; packets are left out, and the next ones follow a gap`);
      return false;
    }
    this.#stream.write(block);
    return true;
  }

  #break(error: NodeJS.ErrnoException): void {
    this.#isBroken = true;
    this.#tell(
      `${this.#path} cannot be written any more (${error.code ?? error.message}); the gateway serves without it`,
    );
  }

  #tell(sentence: string): void {
    if (this.#noticed.has(sentence)) return;
    this.#noticed.add(sentence);
    this.#notice(sentence);
  }
}
