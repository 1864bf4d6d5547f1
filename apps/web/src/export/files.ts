/** Files that the page hands out, and takes in. */

import {
  Capture,
  captureRecord,
  decodeSession,
  encodeRecord,
  encodeSessionHead,
  sessionTooBig,
} from "@wirebook/capture";
import type { Exchange } from "../exchanges/exchange.svelte.ts";
import type { Exchanges } from "../exchanges/exchanges.svelte.ts";
import { plural } from "../ui/format.ts";
import { recordOf } from "./record-of.ts";
import { replay, ReplayError } from "./replay.ts";

/** What a file is called behind its last dot. */
export type Format = "ndjson" | "pcapng";

/** A file, and what is to be said of it. */
export interface Exported {
  readonly blob: Blob;
  readonly name: string;
  readonly words: string;
}

const program = "wirebook page";

/** Exchanges as a file. */
export function exportFile(exchanges: readonly Exchange[], format: Format, now: Date): Exported {
  const stem = `wirebook-${now.toISOString().slice(0, 19).replaceAll(":", "")}`;
  const parts = format === "ndjson" ? ndjsonOf(exchanges, now) : pcapngOf(exchanges);
  return {
    blob: new Blob(parts.parts, { type: "application/octet-stream" }),
    name: `${stem}.${format}`,
    words: parts.words,
  };
}

interface Parts {
  readonly parts: BlobPart[];
  readonly words: string;
}

function ndjsonOf(exchanges: readonly Exchange[], now: Date): Parts {
  const lines = exchanges.map((exchange) => encodeRecord(recordOf(exchange)));
  return { parts: [encodeSessionHead(program, now), ...lines], words: plural(exchanges.length, "exchange") };
}

function pcapngOf(exchanges: readonly Exchange[]): Parts {
  const parts: BlobPart[] = [];
  const capture = new Capture({ write: (block) => parts.push(block) > 0 }, program);
  const captured = exchanges.filter((exchange) => captureRecord(capture, recordOf(exchange))).length;
  const without = exchanges.length - captured;
  const rest = without === 0 ? "" : `; ${plural(without, "exchange")} without a connection left no packet`;
  return { parts, words: `the packets of ${plural(captured, "exchange")}, synthesised${rest}` };
}

/** What came of a file that was loaded. */
export interface Loaded {
  readonly exchanges: readonly Exchange[];
  readonly problems: readonly string[];
}

/** Loads an exported session behind the exchanges that there are. */
export async function loadFile(file: File, exchanges: Exchanges): Promise<Loaded> {
  const tooBig = sessionTooBig(file.size);
  if (tooBig !== undefined) return { exchanges: [], problems: [tooBig] };
  const { records, problems, furtherProblems } = decodeSession(new Uint8Array(await file.arrayBuffer()));
  const loaded: Exchange[] = [];
  const found = [...problems];
  for (const [index, record] of records.entries()) {
    try {
      loaded.push(exchanges.adopt((id) => replay(record, id, file.name)));
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      found.push(`exchange ${index + 1} ${error.message}`);
    }
  }
  if (furtherProblems > 0) found.push(`${plural(furtherProblems, "more line")} cannot be read`);
  return { exchanges: loaded, problems: found };
}
