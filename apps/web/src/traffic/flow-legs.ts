/**
 * The two connections of a flow, client–gateway and gateway–target, each as a record of its own. A read is on its own leg when
 * it came, and on the other at the same time or, where it waited, when that leg took it.
 */

import { StreamRecord, type StreamEvent } from "@wirebook/protocol";
import { KeptBytes } from "../streams/kept-bytes.ts";
import type { Stream } from "../streams/stream.svelte.ts";

type Leg = StreamEvent["leg"];

const everything = { firstEventsKept: Infinity, lastEventsKept: 0, bytesKept: Infinity };

/** Through a relay, the client's connection is a WebSocket, whose TCP bytes no program saw. */
export function legsOf(stream: Stream): readonly { readonly leg: Leg; readonly record: StreamRecord }[] {
  const legs: readonly Leg[] = stream.flow?.via === "listen" ? ["client", "target"] : ["target"];
  return legs.map((leg) => ({ leg, record: legOf(stream, leg) }));
}

function legOf(stream: Stream, leg: Leg): StreamRecord {
  const { record, flow, at } = stream;
  const of = new StreamRecord(everything);
  of.local = leg === "client" ? flow?.client : record.local;
  of.remote = leg === "client" ? flow?.gateway : record.remote;
  of.tls = leg === "client" ? undefined : record.tls;
  // The gateway sees a client when its connection stands.
  const times = leg === "client" ? { connecting: at.received, established: at.received } : at;
  if (times.connecting !== undefined) of.mark("connecting", times.connecting);
  if (times.established !== undefined) of.mark("established", times.established);
  const kept = { sent: new KeptBytes(record, false), received: new KeptBytes(record, true) };
  for (const event of record.events) {
    const { kind, isFromTarget, atMs, offset, byteCount } = event;
    if (kind === "fin" || kind === "rst") {
      if (event.leg === leg) of.ended(kind, isFromTarget, atMs, { leg });
      continue;
    }
    const isHere = kind === "written" ? event.leg === leg : event.leg === leg || event.isWaiting !== true;
    if (!isHere) continue;
    of.missed(isFromTarget ? 0 : offset, isFromTarget ? offset : 0);
    const taken =
      kind === "data" ? event.bytes : kept[isFromTarget ? "received" : "sent"].join(offset, offset + byteCount);
    const bytes = taken?.length === byteCount ? taken : byteCount;
    if (isFromTarget) of.read(bytes, atMs, { leg });
    else of.wrote(bytes, atMs, { leg });
  }
  return of;
}
