/**
 * The file of `--pcap`. Each packet is in it as soon as it is noted, so `tail` and Wireshark can look on while a follow runs.
 *
 * Writing waits for the disk: a client serves its user alone, and so holds back the server instead of memory. Once
 * something could not be written, nothing more is, and the file ends with its last whole block.
 */

import { closeSync, ftruncateSync, writeSync } from "node:fs";
import { Capture, isPcapng } from "@wirebook/capture";
import { openOutputFile } from "@wirebook/settings";

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
  const descriptor = openOutputFile(path, { option: "--pcap", name: "pcapng", isHead: isPcapng });
  let bytes = 0;
  let problem: string | undefined;
  const write = (block: Uint8Array): boolean => {
    if (problem !== undefined) return false;
    try {
      // A full disk takes a part and says nothing; the next write then fails.
      for (let at = 0; at < block.length;) at += writeSync(descriptor, block, at);
      bytes += block.length;
    } catch (error) {
      problem = codeOf(error);
      cut(descriptor, bytes);
    }
    return problem === undefined;
  };
  const capture = new Capture({ write }, application, bytesMax);
  return {
    capture,
    close() {
      closeSync(descriptor);
      if (capture.lostPackets === 0 && problem === undefined) return undefined;
      const why = problem ?? `the limit is ${bytesMax} bytes`;
      return `${path} ends before the last ${capture.lostPackets} packets (${why}); make room, or capture less`;
    },
  };
}

/** Leaves whole blocks alone in the file. */
function cut(descriptor: number, bytes: number): void {
  try {
    ftruncateSync(descriptor, bytes);
  } catch {
    // Best effort: a pipe cannot be cut, and its reader is gone.
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
