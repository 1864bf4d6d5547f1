/**
 * What the gateway counts and times, in Prometheus' text format.
 *
 * Every label has a bounded set of values: a client can choose none of them. Gauges and sums of bytes are looked up when
 * the metrics are read, so that they cost nothing while bytes pass. The metrics of the process and of Node are the usual
 * ones, and shared by all gateways of a process.
 */

import type { Socket } from "node:net";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Hop, StreamRecord } from "@wirebook/protocol";
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

/** What a stream, or a flow, has carried so far. */
type Carried = Pick<StreamRecord, "sentBytes" | "receivedBytes">;

const prefix = "wirebook_gateway_";

/** The metrics of this process, which are collected once however many gateways it has. */
const processRegistry = new Registry();
collectDefaultMetrics({ register: processRegistry });

/** The metrics of one gateway. */
export class Metrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry = new Registry();
  readonly #streams = this.#counter("streams_total", "streams that are over", ["target", "operation", "outcome"]);
  readonly #flows = this.#counter("flows_total", "flows through listening ports that are over", ["target", "outcome"]);
  readonly watchGaps = this.#counter("watch_gaps_total", "times that a watcher was too slow for what is kept", []);
  readonly refused = this.#counter("refused_total", "requests and WebSockets that were refused", ["reason"]);
  readonly frameErrors = this.#counter("frame_errors_total", "frames that were refused", ["code"]);
  readonly #webSocketsOpened = this.#counter("websockets_opened_total", "WebSockets that were opened", []);
  readonly #times: Readonly<Record<StepName, Histogram.Internal<"hop" | "step">>>;
  /** What runs. Its bytes are looked up when the metrics are read. */
  readonly #sockets = new Set<Socket>();
  readonly #carrying = new Set<Carried>();
  /** Of all that has ended. */
  readonly #pastBytes = { pageUp: 0, pageDown: 0, serverUp: 0, serverDown: 0 };

  constructor(version: string) {
    const registers = [this.#registry];
    const steps = new Histogram({
      name: `${prefix}step_seconds`,
      help: "time that each step of a stream took, and the round trip of a ping",
      labelNames: ["hop", "step"],
      buckets: stepSecondsBuckets,
      registers,
    });
    const time = (hop: Hop, step: string) => steps.labels({ hop, step });
    this.#times = {
      ping: time("page-gateway", "ping"),
      queue: time("gateway", "queue"),
      connect: time("gateway-server", "connect"),
      tls: time("gateway-server", "tls"),
      firstByte: time("gateway-server", "first-byte"),
      reply: time("gateway-server", "reply"),
    };
    new Gauge({ name: `${prefix}info`, help: "the version", labelNames: ["version"], registers }).set({ version }, 1);
    this.#addBytes();
  }

  /** Adds a number that is looked up when the metrics are read. */
  gauge(name: string, help: string, look: () => number): void {
    const gauge = new Gauge({
      name: prefix + name,
      help,
      registers: [],
      collect() {
        this.set(look());
      },
    });
    this.#registry.registerMetric(gauge);
  }

  /** A stream or a flow has begun. */
  began(carried: Carried): void {
    this.#carrying.add(carried);
  }

  /** Counts and times a stream that is over. */
  stream({ request, outcome, record }: Stream): void {
    this.#ended(record);
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
  flow({ port, outcome, logged }: Flow): void {
    this.#ended(logged);
    this.#flows.inc({ target: port.target.name, outcome: outcomeOf(outcome) });
  }

  /** A page answered a ping. */
  pong(ms: number): void {
    this.#times.ping.observe(ms / 1000);
  }

  /** @param socket the TCP connection under it */
  webSocketOpened(socket: Socket): void {
    this.#webSocketsOpened.inc();
    this.#sockets.add(socket);
  }

  webSocketClosed(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#pastBytes.pageUp += socket.bytesRead;
    this.#pastBytes.pageDown += socket.bytesWritten;
  }

  /** All of it, as text. */
  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${await processRegistry.metrics()}`;
  }

  #observe(step: StepName, fromMs: number | undefined, toMs: number | undefined): void {
    if (fromMs !== undefined && toMs !== undefined) this.#times[step].observe((toMs - fromMs) / 1000);
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: prefix + name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #ended(carried: Carried): void {
    this.#carrying.delete(carried);
    this.#pastBytes.serverUp += carried.sentBytes;
    this.#pastBytes.serverDown += carried.receivedBytes;
  }

  #addBytes(): void {
    const look = () => {
      const bytes = { ...this.#pastBytes };
      for (const { bytesRead, bytesWritten } of this.#sockets) {
        bytes.pageUp += bytesRead;
        bytes.pageDown += bytesWritten;
      }
      for (const { sentBytes, receivedBytes } of this.#carrying) {
        bytes.serverUp += sentBytes;
        bytes.serverDown += receivedBytes;
      }
      return bytes;
    };
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
