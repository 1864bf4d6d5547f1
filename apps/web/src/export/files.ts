/** Files that the page saves and loads. */

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
import { exchangeOf, recordOf } from "./recorded-stream.ts";

export type Format = "ndjson" | "pcapng";

const program = "wirebook page";

/** Exchanges as a file; `content` describes what is in it. */
export function exportFile(exchanges: readonly Exchange[], format: Format, now: Date) {
  const name = `wirebook-${now.toISOString().slice(0, 19).replaceAll(":", "")}.${format}`;
  const { parts, content } = format === "ndjson" ? ndjsonOf(exchanges, now) : pcapngOf(exchanges);
  return { blob: new Blob(parts, { type: "application/octet-stream" }), name, content };
}

function ndjsonOf(exchanges: readonly Exchange[], now: Date) {
  const lines = exchanges.map((exchange) => encodeRecord(recordOf(exchange)));
  return { parts: [encodeSessionHead(program, now), ...lines], content: plural(exchanges.length, "exchange") };
}

function pcapngOf(exchanges: readonly Exchange[]) {
  const parts: BlobPart[] = [];
  const capture = new Capture({ write: (block) => parts.push(block) > 0 }, program);
  const captured = exchanges.filter((exchange) => captureRecord(capture, recordOf(exchange))).length;
  const without = exchanges.length - captured;
  const rest = without === 0 ? "" : `; ${plural(without, "exchange")} made no connection and no packets`;
  return { parts, content: `the packets of ${plural(captured, "exchange")}, synthesised${rest}` };
}

/** Loads an exported session behind the exchanges of the page; each problem is a sentence. */
export async function loadFile(
  file: File,
  exchanges: Exchanges,
): Promise<{ exchanges: readonly Exchange[]; problems: readonly string[] }> {
  const tooBig = sessionTooBig(file.size);
  if (tooBig !== undefined) return { exchanges: [], problems: [tooBig] };
  const { records, problems, furtherProblems } = decodeSession(new Uint8Array(await file.arrayBuffer()));
  const loaded = records.map((record) => exchanges.adopt((id) => exchangeOf(record, id, file.name)));
  const found = [...problems];
  if (furtherProblems > 0) found.push(`${plural(furtherProblems, "more line")} cannot be read`);
  return { exchanges: loaded, problems: found };
}
