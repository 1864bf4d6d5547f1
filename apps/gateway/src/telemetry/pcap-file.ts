/**
 * The file of `--pcap`: the packets of every exchange. Serving never waits for it. Blocks go to a stream whose queue is
 * bounded: what does not fit, because the disk is slower than the network, or the file full, is left out and counted.
 */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { Capture, isPcapng } from "@wirebook/capture";
import { openOutputFile } from "@wirebook/settings";
import type { GatewayLimits } from "../limits.ts";

/** @param notice called once for each reason for which packets are missing @throws SettingsError for another kind of file */
export function openPcapFile(
  path: string,
  application: string,
  { pcapBytesMax, pcapQueuedBytesMax }: GatewayLimits,
  notice: (message: string) => void,
) {
  const fd = openOutputFile(path, { option: "--pcap", name: "pcapng", isHead: isPcapng });
  const stream = createWriteStream(path, { fd });
  let isSlow = false;
  stream.on("error", ({ code, message }: NodeJS.ErrnoException) =>
    notice(`${path} cannot be written (${code ?? message}); the gateway goes on without it`),
  );
  const write = (block: Uint8Array): boolean => {
    if (stream.destroyed) return false;
    const fits = stream.writableLength + block.length <= pcapQueuedBytesMax;
    if (fits) stream.write(block);
    else if (!isSlow) notice(`the disk of ${path} is too slow; packets are dropped`);
    isSlow ||= !fits;
    return fits;
  };
  const capture = new Capture({ write }, application, pcapBytesMax);
  capture.onFull = () => notice(`${path} is full at ${pcapBytesMax} bytes; no more packets are written`);
  return {
    capture,
    /** Writes what is queued. */
    async close(): Promise<void> {
      if (capture.lostPackets > 0) notice(`${capture.lostPackets} packets are not in ${path}`);
      // Best effort: of an error the stream's own listener has told.
      if (!stream.destroyed) await once(stream.end(), "close").catch(() => undefined);
    },
  };
}
