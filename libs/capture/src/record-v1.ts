/**
 * Records of version 1, which knew exchanges with one server over TCP. They are read, and no longer written.
 *
 * `wire` had writes and reads alone, FIN stood among the steps, and `frames` had text frames and byte frames, which named
 * their place in `wire`.
 */

import * as z from "zod/mini";
import {
  defined,
  endReasons,
  frameErrorCodes,
  hops,
  milliseconds,
  readRate,
  schedule,
  steps,
} from "@wirebook/protocol";
import { calendarTime, count, endpoint, recordVersion } from "./record.ts";
import type { RecordedEvent, RecordedStream } from "./record.ts";

const wireItem = z.strictObject({
  at: milliseconds,
  /** The gateway noted no time: it is that of the frame that brought the bytes. */
  isArrival: z.optional(z.literal(true)),
  from: z.enum(["client", "server"]),
  bytes: z.optional(z.base64()),
  count,
});

const frame = z.strictObject({
  at: milliseconds,
  direction: z.enum(["sent", "received"]),
  name: z.string(),
  text: z.optional(z.string()),
  wire: z.optional(count),
});

export const exchangeRecord = z.strictObject({
  type: z.literal("exchange"),
  version: z.literal(1),
  startedAt: calendarTime,
  message: z.string(),
  by: z.enum(["user", "page"]),
  purpose: z.optional(z.string()),
  ends: z.optional(z.strictObject({ client: endpoint, server: endpoint })),
  steps: z.partialRecord(z.enum(steps), milliseconds),
  clockErrorMs: z.optional(milliseconds),
  wire: z.array(wireItem),
  frames: z.array(frame),
  end: z.strictObject({
    how: z.enum(["running", ...endReasons, "failed"]),
    at: milliseconds,
    code: z.optional(z.enum([...frameErrorCodes, "too-many-exchanges", "gateway-lost"])),
    hop: z.optional(z.enum(hops)),
    message: z.optional(z.string()),
  }),
});

type ExchangeRecord = z.infer<typeof exchangeRecord>;

/** What the first frame of a raw exchange said of its writes and reads. */
const opening = z.object({ plan: z.optional(schedule), read: z.optional(readRate) });

/** The same as a record of today, or how the sentence "line N is …" goes on. */
export function fromVersion1(record: ExchangeRecord): RecordedStream | string {
  const { wire, frames, ends, end, startedAt, message, by, purpose, steps: happened, clockErrorMs } = record;
  const [first] = frames;
  if (first?.text === undefined || first.direction !== "sent") {
    return "not whole: its first frame is missing, because the page had dropped its bytes before the export";
  }
  const stray = frames.findIndex((each) => each.wire !== undefined && each.wire >= wire.length);
  if (stray >= 0) return `not whole: its frame ${stray + 1} names bytes that it does not hold`;
  const { plan, read } = parse(opening, first.text) ?? {};
  return {
    type: "stream",
    version: recordVersion,
    startedAt,
    target: "wirebook",
    transport: "tcp",
    message,
    by,
    note: "it is of version 1, whose byte frames had a header of 4 bytes instead of 16",
    steps: happened,
    events: eventsOf(record),
    frames: frames.flatMap(({ at, direction, name, text }) =>
      text === undefined ? [] : [{ at, direction, name, text }],
    ),
    end: endOf(end),
    ...defined({
      purpose,
      schedule: plan,
      read,
      ends: ends && { client: ends.client, target: ends.server },
      clockErrorMs,
    }),
  };
}

function parse<Schema extends z.ZodMiniType>(schema: Schema, text = ""): z.infer<Schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** What the last frame said of those before it: `open`, then each read; with bytes that waited for the page before it. */
const closing = z.object({ frames: z.optional(z.array(z.tuple([milliseconds, count]))) });

/** The FIN of this end stands behind its last write, and that of the server behind everything. */
function eventsOf({ wire, frames, steps: { ended, fin } }: ExchangeRecord): RecordedEvent[] {
  const arrivals = new Map(frames.flatMap(({ wire: index, at }) => (index === undefined ? [] : [[index, at]])));
  const waiting = parse(closing, frames.at(-1)?.text)?.frames ?? [];
  let reads = 0;
  const events = wire.map(({ at, from, bytes, count: size }, index): RecordedEvent => {
    const arrived = arrivals.get(index);
    const queued = from === "client" ? 0 : Math.floor((waiting[++reads]?.[1] ?? 0) / 1024);
    return {
      at,
      from: from === "client" ? "client" : "target",
      count: size,
      ...defined({ bytes, arrived, queued: queued === 0 ? undefined : queued }),
    };
  });
  if (ended !== undefined) {
    const behind = events.findLastIndex(({ at, from }) => from === "client" || at <= ended) + 1;
    events.splice(behind, 0, { at: ended, from: "client", fin: true });
  }
  return fin === undefined ? events : [...events, { at: fin, from: "target", fin: true }];
}

function endOf({ how, at, code, hop, message }: ExchangeRecord["end"]): RecordedStream["end"] {
  if (how !== "failed") return { how, at };
  const today = code === "too-many-exchanges" ? "too-many-streams" : code;
  return { how, at, code: today ?? "gateway-lost", hop: hop ?? "page-gateway", message: message ?? "" };
}
