/**
 * What the gateway counts and times, in Prometheus' text format.
 *
 * Every label has a bounded set of values: a client can choose none of them. Gauges and sums of bytes are looked up when
 * the metrics are read, so that they cost nothing while bytes pass. The metrics of the process and of Node are the usual
 * ones, and shared by all gateways of a process.
 */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { FrameErrorCode, Hop, StreamRecord } from "@wirebook/protocol";
import type { Flow } from "../flows/flow.ts";
import { outcomeOf } from "../streams/stream.ts";
import type { Stream } from "../streams/stream.ts";

/** Upper bounds of the buckets of times, in seconds. */
const stepSecondsBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Why a request, a connection or a WebSocket was refused. */
export type RefusalReason =
  | "authentication"
  | "connections"
  | "connections-per-address"
  | "flows"
  | "flows-per-address"
  | "guesses"
  | "host"
  | "metrics"
  | "not-allowed"
  | "origin"
  | "path"
  | "role"
  | "stopping"
  | "subprotocol"
  | "websockets"
  | "websockets-per-address";

/** Bytes on both hops; `up` is towards the server. */
export interface Bytes {
  readonly pageUp: number;
  readonly pageDown: number;
  readonly serverUp: number;
  readonly serverDown: number;
}

export const noBytes: Bytes = Object.freeze({ pageUp: 0, pageDown: 0, serverUp: 0, serverDown: 0 });

/** The sum of both. */
export function addBytes(one: Bytes, other: Bytes): Bytes {
  return {
    pageUp: one.pageUp + other.pageUp,
    pageDown: one.pageDown + other.pageDown,
    serverUp: one.serverUp + other.serverUp,
    serverDown: one.serverDown + other.serverDown,
  };
}

/** What is looked up when the metrics are read. */
export interface Gauges {
  /** Those of the WebSockets that are open, and of their streams that run. */
  readonly bytes: Bytes;
  readonly webSockets: number;
  readonly streamsRunning: number;
  readonly flowsRunning: number;
  readonly flowBytesKept: number;
  readonly watchers: number;
  readonly presentations: number;
  readonly streamsWaiting: number;
  readonly connectionsMax: number;
}

const prefix = "wirebook_gateway_";

let processRegistry: Registry | undefined;

/** The metrics of this process, which are collected once however many gateways it has. */
function processMetrics(): Registry {
  if (processRegistry !== undefined) return processRegistry;
  processRegistry = new Registry();
  collectDefaultMetrics({ register: processRegistry });
  return processRegistry;
}

/** The metrics of one gateway. */
export class Metrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry = new Registry();
  readonly #streams = this.#counter("streams_total", "streams that are over", ["target", "operation", "outcome"]);
  readonly #flows = this.#counter("flows_total", "flows through listening ports that are over", ["target", "outcome"]);
  readonly #watchGaps = this.#counter("watch_gaps_total", "times that a watcher was too slow for what is kept", []);
  readonly #refused = this.#counter("refused_total", "requests and WebSockets that were refused", ["reason"]);
  readonly #frameErrors = this.#counter("frame_errors_total", "frames that were refused", ["code"]);
  readonly #webSocketsOpened = this.#counter("websockets_opened_total", "WebSockets that were opened", []);
  readonly #steps: Histogram<"hop" | "step">;
  readonly #times: Readonly<Record<StepName, Histogram.Internal<"hop" | "step">>>;
  #look: (() => Gauges) | undefined;
  /** Of all that has ended. */
  readonly #pastBytes = { ...noBytes };

  constructor(version: string) {
    const registers = [this.#registry];
    this.#steps = new Histogram({
      name: `${prefix}step_seconds`,
      help: "time that each step of a stream took, and the round trip of a ping",
      labelNames: ["hop", "step"],
      buckets: stepSecondsBuckets,
      registers,
    });
    const time = (hop: Hop, step: string) => this.#steps.labels({ hop, step });
    this.#times = {
      ping: time("page-gateway", "ping"),
      queue: time("gateway", "queue"),
      connect: time("gateway-server", "connect"),
      tls: time("gateway-server", "tls"),
      firstByte: time("gateway-server", "first-byte"),
      reply: time("gateway-server", "reply"),
    };
    new Gauge({ name: `${prefix}info`, help: "the version", labelNames: ["version"], registers }).set({ version }, 1);
    this.#addGauges();
    this.#addBytes();
  }

  /** Says where the gauges are looked up. */
  setGauges(look: () => Gauges): void {
    this.#look = look;
  }

  /** A stream has ended: its bytes count from now on as past ones. */
  bytesCarried({ sentBytes, receivedBytes }: StreamRecord): void {
    this.#pastBytes.serverUp += sentBytes;
    this.#pastBytes.serverDown += receivedBytes;
  }

  /** Counts and times a stream that is over. */
  stream({ request, outcome, record }: Stream): void {
    const { target, operation, isFollow, isConversation } = request;
    this.#streams.inc({ target: target.name, operation, outcome: outcomeOf(outcome) });
    const { received, connecting, established, secured, firstByte, fin } = record.at;
    this.#observe("queue", received, connecting);
    this.#observe("connect", connecting, established);
    this.#observe("tls", established, secured);
    // How long a follow or a conversation lasts, or its target is silent, says nothing about the target.
    if (isConversation) return;
    this.#observe("firstByte", established, firstByte);
    if (!isFollow) this.#observe("reply", firstByte, fin);
  }

  /** Counts a flow that is over. */
  flow({ port, outcome, record }: Flow): void {
    this.bytesCarried(record);
    this.#flows.inc({ target: port.target.name, outcome: outcomeOf(outcome) });
  }

  /** A watcher was so slow that frames are missing. */
  watchGap(): void {
    this.#watchGaps.inc();
  }

  /** A page answered a ping. */
  pong(ms: number): void {
    this.#times.ping.observe(ms / 1000);
  }

  refused(reason: RefusalReason): void {
    this.#refused.inc({ reason });
  }

  frameError(code: FrameErrorCode): void {
    this.#frameErrors.inc({ code });
  }

  webSocketOpened(): void {
    this.#webSocketsOpened.inc();
  }

  /** A WebSocket has closed, after so many bytes. */
  webSocketClosed(pageUp: number, pageDown: number): void {
    this.#pastBytes.pageUp += pageUp;
    this.#pastBytes.pageDown += pageDown;
  }

  /** All of it, as text. */
  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${await processMetrics().metrics()}`;
  }

  #observe(step: StepName, fromMs: number | undefined, toMs: number | undefined): void {
    if (fromMs !== undefined && toMs !== undefined) this.#times[step].observe((toMs - fromMs) / 1000);
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: prefix + name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #addGauges(): void {
    const looks: readonly [name: string, help: string, of: (gauges: Gauges) => number][] = [
      ["websockets", "WebSockets that are open", ({ webSockets }) => webSockets],
      ["streams_running", "streams that have a connection to their target", (gauges) => gauges.streamsRunning],
      ["streams_waiting", "streams that wait for one", (gauges) => gauges.streamsWaiting],
      ["flow_bytes_kept", "bytes of flows that are kept for watchers", (gauges) => gauges.flowBytesKept],
      ["watchers", "pages that watch flows or a presentation", ({ watchers }) => watchers],
      ["presentations", "presentations that run", ({ presentations }) => presentations],
      ["flows_running", "flows through listening ports that run", (gauges) => gauges.flowsRunning],
      ["connections_max", "connections to targets at once", (gauges) => gauges.connectionsMax],
    ];
    const look = (): Gauges | undefined => this.#look?.();
    for (const [name, help, of] of looks) {
      const gauge = new Gauge({
        name: prefix + name,
        help,
        registers: [],
        collect() {
          const gauges = look();
          if (gauges !== undefined) this.set(of(gauges));
        },
      });
      this.#registry.registerMetric(gauge);
    }
  }

  #addBytes(): void {
    const look = (): Bytes => addBytes(this.#pastBytes, this.#look?.().bytes ?? noBytes);
    const counter = new Counter({
      name: `${prefix}bytes_total`,
      help: "bytes on each hop, up towards the server and down towards the page",
      labelNames: ["hop", "direction"],
      registers: [],
      collect() {
        const { pageUp, pageDown, serverUp, serverDown } = look();
        this.reset();
        this.inc({ hop: "page-gateway", direction: "up" }, pageUp);
        this.inc({ hop: "page-gateway", direction: "down" }, pageDown);
        this.inc({ hop: "gateway-server", direction: "up" }, serverUp);
        this.inc({ hop: "gateway-server", direction: "down" }, serverDown);
      },
    });
    this.#registry.registerMetric(counter);
  }
}

type StepName = "ping" | "queue" | "connect" | "tls" | "firstByte" | "reply";
