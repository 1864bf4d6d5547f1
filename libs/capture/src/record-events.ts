/** The events of a record as a session's file has them. */

import type { StreamEvent, StreamRecord } from "@wirebook/protocol";
import { encodeBase64 } from "./base64.ts";
import type { RecordedEvent } from "./record.ts";

/** Both give the milliseconds since the stream began of what the record and the page noted. */
interface Clocks {
  readonly at: (atMs: number) => number;
  readonly arrived: (arrivedMs: number) => number;
}

/** In place of bytes that are not known of by any event, there is one with their count. */
export function recordedEvents({ events, sentBytes, receivedBytes }: StreamRecord, clocks: Clocks): RecordedEvent[] {
  const passed = { client: 0, target: 0 };
  const gapUpTo = (from: "client" | "target", bytes: number, at: number): RecordedEvent[] => {
    const count = bytes - passed[from];
    passed[from] = bytes;
    return count > 0 ? [{ at, from, count }] : [];
  };
  const recorded = events.flatMap((event) => {
    const at = clocks.at(event.atMs);
    const from = event.isFromTarget ? "target" : "client";
    const gap = event.kind === "written" ? [] : gapUpTo(from, event.offset, at);
    if (event.kind === "data") passed[from] += event.byteCount;
    return [...gap, { at, ...recordedEvent(event, clocks) }];
  });
  const at = recorded.at(-1)?.at ?? 0;
  return [...recorded, ...gapUpTo("client", sentBytes, at), ...gapUpTo("target", receivedBytes, at)];
}

function recordedEvent(event: StreamEvent, clocks: Clocks): Omit<RecordedEvent, "at"> {
  const { kind, leg, isFromTarget, isWaiting, bytes, byteCount, arrivedMs, queuedKiB } = event;
  const what = kind === "data" ? { count: byteCount } : kind === "written" ? { taken: byteCount } : { [kind]: true };
  return {
    from: isFromTarget ? "target" : "client",
    ...what,
    ...(leg === "client" && { leg }),
    ...(isWaiting === true && { waits: isWaiting }),
    ...(bytes !== undefined && { bytes: encodeBase64(bytes) }),
    ...(arrivedMs !== undefined && { arrived: clocks.arrived(arrivedMs) }),
    ...(queuedKiB !== 0 && { queued: queuedKiB }),
  };
}
