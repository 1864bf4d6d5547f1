import type { ComparedStream } from "@wirebook/scenario";
import type { Stream } from "../streams/stream.svelte.ts";

export function comparedOf(stream: Stream): ComparedStream {
  const { events, latest, sentBytes, receivedBytes } = stream.record;
  const end = { kind: "data", atMs: latest?.atMs ?? 0, byteCount: 0 } as const;
  // Bytes that no event tells of are missing also behind the last one.
  const ends = [
    { ...end, isFromTarget: false, offset: sentBytes },
    { ...end, isFromTarget: true, offset: receivedBytes },
  ];
  return { startedMs: stream.sentAtMs - stream.toPageMs(0), events: [...events, ...ends] };
}
