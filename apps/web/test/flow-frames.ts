/** Frames of flows, as a gateway sends them to a page that watches. */

import { encodeText, flowIdMin } from "@wirebook/protocol";
import type { ByteFrame, GatewayFrame, PageFrame } from "@wirebook/protocol";
import type { Hello } from "../src/gateway/connection.svelte.ts";
import { Flows } from "../src/traffic/flows.svelte.ts";

type Head = Extract<GatewayFrame, { type: "flow" }>;

export const redis = { name: "redis", transport: "tcp", address: "127.0.0.1:6379", proxyHeaderBytes: 0 } as const;

export const hello: Hello = {
  type: "hello",
  version: "1.0.0",
  timeOrigin: performance.timeOrigin,
  targets: [redis],
  lessons: [],
  streamsMax: 100,
  connectionsMax: 100,
  socket: 1,
  user: null,
  role: "operator",
  listening: [{ port: 5008, host: "127.0.0.1", target: "redis", faults: {} }],
  mayWatch: true,
};

/** The id of the nth flow. */
export const idOf = (n: number): number => flowIdMin + n;

export function headOf(n: number, more: Partial<Head> = {}): Head {
  return {
    type: "flow",
    id: idOf(n),
    via: "listen",
    port: 5008,
    target: redis,
    client: { address: "127.0.0.1", port: 40_000 + n },
    local: { address: "127.0.0.1", port: 50_000 + n },
    remote: { address: "127.0.0.1", port: 6379 },
    at: { received: 100, connecting: 101, established: 102 },
    ...more,
  };
}

/** A read of a client, unless it says otherwise. */
export function flowBytes(n: number, text: string, atMs: number, more: Partial<ByteFrame> = {}): ByteFrame {
  const what = { kind: "data", leg: "client", isFromTarget: false, isAfterGap: false, queuedKiB: 0 } as const;
  return { ...what, id: idOf(n), atMs, bytes: encodeText(text), writtenBytes: 0, ...more };
}

/** A read of the target. */
export const answer = (n: number, text: string, atMs: number): ByteFrame =>
  flowBytes(n, text, atMs, { leg: "target", isFromTarget: true });

export const endOf = (n: number, more: object = {}): GatewayFrame => ({
  type: "end",
  id: idOf(n),
  reason: "fin",
  at: { closed: 200 },
  sentBytes: 0,
  receivedBytes: 0,
  ...more,
});

export const failureOf = (n: number): GatewayFrame => ({
  type: "error",
  id: idOf(n),
  code: "connect-refused",
  hop: "gateway-server",
  message: "nothing listens there",
  at: { closed: 200 },
});

/** Flows that watch, and what they have sent. */
export function watching(presentation?: string, first = hello): { flows: Flows; sent: PageFrame[] } {
  const sent: PageFrame[] = [];
  const connection = {
    clock: { offsetMs: 0, errorMs: 0 },
    hello: first,
    send: (frame: PageFrame) => {
      sent.push(frame);
      return undefined;
    },
  };
  const flows = new Flows(connection, presentation);
  flows.open(first);
  flows.takeFrame({ type: "watching", epoch: "one", position: 0, flows: [] });
  return { flows, sent };
}
