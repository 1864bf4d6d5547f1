/**
 * What the gateway counts and times, in Prometheus' text format (version 0.0.4). A client can choose no label's value. Gauges
 * and sums of bytes are looked up when the metrics are read, so that they cost nothing while bytes pass.
 */

import type { Socket } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Hop, StreamRecord } from "@wirebook/protocol";
import type { Flow } from "../flows/flow.ts";
import { outcomeOf, type Stream } from "../streams/stream.ts";

/** Upper bounds of the buckets of times, in seconds. */
const stepSecondsBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Why requests, WebSockets and connections are refused. */
const refusalReasons = [
  ...(["host", "origin", "path", "subprotocol", "metrics", "authentication", "guesses", "role", "stopping"] as const),
  ...(["websockets", "websockets-per-address", "connections", "connections-per-address"] as const),
  ...(["flows", "flows-per-address", "not-allowed"] as const),
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

type Labels = Readonly<Record<string, string>>;

/** What stands behind a metric's name, with the value. */
type Samples = Iterable<readonly [key: string, value: number]>;

function keyOf(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** How often something happened, by its labels; with known ones it begins at 0, or a rate would miss the first. */
class Counter extends Map<string, number> {
  inc(labels: Labels = {}, by = 1): void {
    const key = keyOf(labels);
    this.set(key, (this.get(key) ?? 0) + by);
  }
}

class Timer {
  readonly #labels: Labels;
  readonly #buckets = [...stepSecondsBuckets, Infinity].map((most) => ({ most, count: 0 }));
  #sum = 0;

  constructor(hop: Hop, step: string) {
    this.#labels = { hop, step };
  }

  observe(fromMs: number | undefined, toMs: number | undefined): void {
    if (fromMs === undefined || toMs === undefined) return;
    const seconds = (toMs - fromMs) / 1000;
    this.#sum += seconds;
    for (const bucket of this.#buckets) if (seconds <= bucket.most) bucket.count += 1;
  }

  *[Symbol.iterator](): Iterator<readonly [string, number]> {
    for (const { most, count } of this.#buckets) {
      yield [`_bucket${keyOf({ le: most === Infinity ? "+Inf" : String(most), ...this.#labels })}`, count];
    }
    yield [`_sum${keyOf(this.#labels)}`, this.#sum];
    yield [`_count${keyOf(this.#labels)}`, this.#buckets.at(-1)?.count ?? 0];
  }
}

/** The connection of a page, or a stream or flow to its target. */
type Carrier = Pick<Socket, "bytesRead" | "bytesWritten"> | Pick<StreamRecord, "sentBytes" | "receivedBytes">;

function addBytes(counter: Counter, carrier: Carrier): void {
  const [hop, up, down] =
    "bytesRead" in carrier
      ? ["page-gateway", carrier.bytesRead, carrier.bytesWritten]
      : ["gateway-server", carrier.sentBytes, carrier.receivedBytes];
  counter.inc({ hop, direction: "up" }, up);
  counter.inc({ hop, direction: "down" }, down);
}

/** How late this process comes to its turns, since it was last asked. */
const lateness = monitorEventLoopDelay();
lateness.enable();

export class Metrics {
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  readonly refused = new Counter(refusalReasons.map((reason) => [keyOf({ reason }), 0]));
  readonly frameErrors = new Counter();
  readonly watchGaps = new Counter([["", 0]]);
  readonly #webSocketsOpened = new Counter([["", 0]]);
  readonly #streams = new Counter();
  readonly #flows = new Counter();
  readonly #times = {
    ping: new Timer("page-gateway", "ping"),
    queue: new Timer("gateway", "queue"),
    connect: new Timer("gateway-server", "connect"),
    tls: new Timer("gateway-server", "tls"),
    firstByte: new Timer("gateway-server", "first-byte"),
    reply: new Timer("gateway-server", "reply"),
  };
  /** Of all that has ended. */
  readonly #bytes = new Counter();
  readonly #running = new Set<Carrier>();
  readonly #info: Samples;
  readonly #gauges: [name: string, help: string, look: () => number][] = [];

  constructor(version: string) {
    this.#info = [[keyOf({ version }), 1]];
    addBytes(this.#bytes, { bytesRead: 0, bytesWritten: 0 });
    addBytes(this.#bytes, { sentBytes: 0, receivedBytes: 0 });
  }

  gauge(name: string, help: string, look: () => number): void {
    this.#gauges.push([name, help, look]);
  }

  /** A stream, a flow or the TCP connection of a WebSocket has begun. */
  began(carrier: Carrier): void {
    this.#running.add(carrier);
  }

  stream({ request, outcome, record }: Stream): void {
    this.ended(record);
    const { target, operation, isFollow, isConversation } = request;
    this.#streams.inc({ target: target.name, operation, outcome: outcomeOf(outcome) });
    const { received, connecting, established, secured, firstByte, fin } = record.at;
    this.#times.queue.observe(received, connecting);
    this.#times.connect.observe(connecting, established);
    this.#times.tls.observe(established, secured);
    // How long a follow or a conversation lasts, or its target is silent, says nothing about the target.
    if (isConversation) return;
    this.#times.firstByte.observe(established, firstByte);
    if (!isFollow) this.#times.reply.observe(firstByte, fin);
  }

  flow({ port, outcome, logged }: Flow): void {
    this.ended(logged);
    this.#flows.inc({ target: port.target.name, outcome: outcomeOf(outcome) });
  }

  pong(ms: number): void {
    this.#times.ping.observe(0, ms);
  }

  /** @param socket the TCP connection under it */
  webSocketOpened(socket: Socket): void {
    this.#webSocketsOpened.inc();
    this.began(socket);
  }

  text(): string {
    const { user, system } = process.cpuUsage();
    const lateSeconds = lateness.percentile(99) / 1e9;
    lateness.reset();
    const bytes = new Counter(this.#bytes);
    for (const carrier of this.#running) addBytes(bytes, carrier);
    const steps = Object.values(this.#times).flatMap((timer) => [...timer]);
    return [
      family("streams_total", "counter", "streams that are over", this.#streams),
      family("flows_total", "counter", "flows through listening ports that are over", this.#flows),
      family("step_seconds", "histogram", "time of each step of a stream, and of a ping", steps),
      family("bytes_total", "counter", "bytes on each hop", bytes),
      family("watch_gaps_total", "counter", "times that a watcher was too slow for what is kept", this.watchGaps),
      family("refused_total", "counter", "requests and WebSockets that were refused", this.refused),
      family("frame_errors_total", "counter", "frames that were refused", this.frameErrors),
      family("websockets_opened_total", "counter", "WebSockets that were opened", this.#webSocketsOpened),
      family("info", "gauge", "the version", this.#info),
      ...this.#gauges.map(([name, help, look]) => family(name, "gauge", help, [["", look()]])),
      family("process_cpu_seconds_total", "counter", "processor time", [["", (user + system) / 1e6]], ""),
      family("process_resident_memory_bytes", "gauge", "memory", [["", process.memoryUsage.rss()]], ""),
      family("process_start_time_seconds", "gauge", "start, since 1970", [["", performance.timeOrigin / 1000]], ""),
      family("nodejs_eventloop_lag_p99_seconds", "gauge", "lateness of 99 % of turns", [["", lateSeconds]], ""),
    ].join("");
  }

  ended(carrier: Carrier): void {
    this.#running.delete(carrier);
    addBytes(this.#bytes, carrier);
  }
}

function family(name: string, kind: string, help: string, samples: Samples, prefix = "wirebook_gateway_"): string {
  const lines = [...samples].map(([key, value]) => `${prefix}${name}${key} ${value}\n`);
  return `# HELP ${prefix}${name} ${help}\n# TYPE ${prefix}${name} ${kind}\n${lines.join("")}`;
}
