/** The files that options name for what is written: packets, exported streams, a recorded scenario. */

import { closeSync, writeFileSync } from "node:fs";
import { Capture, encodeRecord, encodeSessionHead, endOf, fromStreamRecord } from "@wirebook/capture";
import { hideKeys, isPcapng, recordVersion } from "@wirebook/capture";
import { describeHostPort, type Target } from "@wirebook/net";
import { authenticationError, encodeTime, ReplyReader, type RecordBounds, type StreamRecord } from "@wirebook/protocol";
import { openOutputFile, type OutputKind } from "@wirebook/settings";
import { exitCodes } from "../command.ts";
import { millisecondsSince } from "./views.ts";

/** Each piece is in it at once, so `tail` and Wireshark can look on. Writing waits for the disk and so holds the target back. */
export class OutputFile {
  readonly path: string;
  /** Why something could not be written. */
  problem: string | undefined;
  readonly #descriptor: number;

  /** @throws SettingsError when it holds something else, or cannot be written */
  constructor(path: string, kind: OutputKind) {
    this.path = path;
    this.#descriptor = openOutputFile(path, kind);
  }

  write(piece: string | Uint8Array): boolean {
    if (this.problem !== undefined) return false;
    try {
      writeFileSync(this.#descriptor, piece);
    } catch (error) {
      this.problem = (error as NodeJS.ErrnoException).code ?? String(error);
    }
    return this.problem === undefined;
  }

  /** Closes the file; returns a sentence when something is missing in it. */
  close(): string | undefined {
    closeSync(this.#descriptor);
    return this.problem && `${this.path} is not whole (${this.problem}); make room, and run this again`;
  }
}

/** Closes files, and says what is missing in them; a run that went well has failed then. */
export function closeFiles(
  files: readonly (Pick<OutputFile, "close"> | undefined)[],
  code: number,
  printError: (sentence: string) => void,
): number {
  const problems = files.flatMap((file) => file?.close() ?? []);
  for (const problem of problems) printError(problem);
  return code === exitCodes.done && problems.length > 0 ? exitCodes.unreachable : code;
}

/** Bytes of the file that `--pcap` writes; what comes after them is counted and left out. */
export const pcapBytesMax = 1024 * 1024 * 1024;

/** Opens the file and writes its head. @throws SettingsError when it holds something else, or cannot be written */
export function openPcapFile(path: string, program: string, bytesMax: number = pcapBytesMax) {
  const file = new OutputFile(path, { option: "--pcap", name: "pcapng", isHead: isPcapng });
  const capture = new Capture(file, program, bytesMax);
  return {
    capture,
    close(): string | undefined {
      file.close();
      const { problem = `the limit is ${bytesMax} bytes` } = file;
      if (capture.lostPackets === 0 && file.problem === undefined) return undefined;
      return `${path} ends before the last ${capture.lostPackets} packets (${problem}); make room, or capture less`;
    },
  };
}

function beginsWith(text: string): OutputKind["isHead"] {
  return (head) => Buffer.from(head).toString("latin1").startsWith(text);
}

export const scenarioKind: OutputKind = {
  option: "--record",
  name: "recorded scenario",
  isHead: beginsWith("# Recorded with"),
};

/** What is kept of a stream that is exported or becomes a scenario. A longer one loses its oldest bytes, and says so. */
export const exportBounds: RecordBounds = {
  firstEventsKept: 100_000,
  lastEventsKept: 100_000,
  bytesKept: 16 * 1024 * 1024,
};

/** Opens the file of `--export` and writes its head. @throws SettingsError as before */
export function openExportFile(path: string, program: string): OutputFile {
  const file = new OutputFile(path, { option: "--export", name: "NDJSON", isHead: beginsWith('{"type":"session') });
  file.write(encodeSessionHead(program, new Date()));
  return file;
}

export function exportedLine(record: StreamRecord, { name, address }: Target): string {
  const { at } = record;
  const since = (atMs: number) => millisecondsSince(record, atMs);
  return encodeRecord({
    type: "stream",
    version: recordVersion,
    startedAt: encodeTime(Math.round((performance.timeOrigin + (at.connecting ?? 0)) * 1000)),
    target: name,
    transport: address.transport,
    ...(address.transport !== "unix" && { address: describeHostPort(address) }),
    message: "",
    by: "user",
    ...fromStreamRecord(record, { at: since, arrived: since }),
    frames: [],
    end: endOf(record, since(at.closed ?? 0)),
  });
}

/** A connection tells of the target's RST by its end alone; here it is an event as well. */
export function noteReset(record: StreamRecord): void {
  const { outcome, at } = record;
  if (outcome?.kind !== "failed" || outcome.code !== "connection-reset" || at.established === undefined) return;
  record.ended("rst", true, at.closed ?? at.established);
}

/** Puts asterisks in place of keys where the target answers as a Wirebook server does; returns whether it does. */
export function hideServerKeys(record: StreamRecord): boolean {
  const received = Buffer.concat(record.reads.map(({ bytes }) => bytes ?? Buffer.alloc(0)));
  const isRefused = received.toString().startsWith(authenticationError);
  if (!isRefused && new ReplyReader().push(received).header === undefined) return false;
  hideKeys(record);
  return true;
}
