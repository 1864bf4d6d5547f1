/**
 * Records of version 1: `wire` had writes and reads alone, FIN stood among the steps, and `frames` had text frames and byte
 * frames, which named their place in `wire`.
 */

import { defined } from "@wirebook/protocol";
import type { RecordedEvent } from "./record.ts";

interface ExchangeRecord {
  readonly wire: readonly (Pick<RecordedEvent, "at" | "bytes" | "count"> & { readonly from: "client" | "server" })[];
  readonly frames: readonly { readonly at: number; readonly text?: string; readonly wire?: number }[];
  readonly steps: { readonly ended?: number; readonly fin?: number };
  readonly ends?: { readonly client: unknown; readonly server: unknown };
  readonly end: { readonly how: string; readonly code?: string };
}

/** As a record of today, which is still to be checked; what is no record of an exchange is left as it is. */
export function fromVersion1(value: unknown): unknown {
  try {
    return convert(value as ExchangeRecord);
  } catch {
    // Something is not there, or not what it should be, which the check will say.
    return value;
  }
}

function convert({ wire, frames, ends, end, ...record }: ExchangeRecord): object {
  // What the frame that opened it said of its writes and reads.
  const { plan, read } = JSON.parse(frames[0]?.text ?? "{}") as { plan?: unknown; read?: unknown };
  const code = end.code === "too-many-exchanges" ? "too-many-streams" : (end.code ?? "gateway-lost");
  return {
    ...record,
    type: "stream",
    version: 2,
    target: "wirebook",
    transport: "tcp",
    note: "it is of version 1, whose byte frames had a header of 4 bytes instead of 16",
    events: eventsOf(wire, frames, record.steps),
    frames: frames.filter(({ text }) => text !== undefined),
    end: end.how === "failed" ? { hop: "page-gateway", message: "", ...end, code } : end,
    ...defined({ ends: ends && { client: ends.client, target: ends.server }, schedule: plan, read }),
  };
}

/** The FIN of this end stands behind its last write, and that of the server behind everything. */
function eventsOf(
  wire: ExchangeRecord["wire"],
  frames: ExchangeRecord["frames"],
  { ended, fin }: ExchangeRecord["steps"],
): readonly RecordedEvent[] {
  const arrivals = new Map(frames.map((frame) => [frame.wire, frame.at]));
  const events = wire.map(({ at, from, bytes, count }, place): RecordedEvent => {
    const rest = defined({ count, bytes, arrived: arrivals.get(place) });
    return { at, from: from === "client" ? from : "target", ...rest };
  });
  if (ended !== undefined) {
    const behind = events.findLastIndex(({ at, from }) => from === "client" || at <= ended) + 1;
    events.splice(behind, 0, { at: ended, from: "client", fin: true });
  }
  return fin === undefined ? events : [...events, { at: fin, from: "target", fin: true }];
}
