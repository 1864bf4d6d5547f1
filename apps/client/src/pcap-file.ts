/** The file of `--pcap`. */

import { Capture, isPcapng } from "@wirebook/capture";
import { OutputFile } from "./output/output-file.ts";

/** Bytes of the file that `--pcap` writes; what comes after them is counted and left out. */
export const pcapBytesMax = 1024 * 1024 * 1024;

/** A capture that goes into a file. */
export interface PcapFile {
  readonly capture: Capture;
  /** Closes the file; returns a sentence when something is missing in it. */
  close(): string | undefined;
}

/**
 * Opens the file and writes its head; a capture that was there before is replaced.
 *
 * @param bytesMax a test passes a smaller one
 * @throws SettingsError when it holds something else, or cannot be written
 */
export function openPcapFile(path: string, application: string, bytesMax: number = pcapBytesMax): PcapFile {
  const file = new OutputFile(path, { option: "--pcap", name: "pcapng", isHead: isPcapng });
  const capture = new Capture(file, application, bytesMax);
  return {
    capture,
    close() {
      file.close();
      const { problem = `the limit is ${bytesMax} bytes` } = file;
      if (capture.lostPackets === 0 && file.problem === undefined) return undefined;
      return `${path} ends before the last ${capture.lostPackets} packets (${problem}); make room, or capture less`;
    },
  };
}
