/**
 * The TCP ports on which the gateway listens besides its own: each connection becomes a flow to the port's target [G-15].
 *
 * Loopback may always connect, and every local process with it; others where the operator allowed their network. One that
 * may not, or is one too many, is reset before a byte of it was read.
 */

import { once } from "node:events";
import { BlockList, createServer, isIPv6 } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { isLoopback, ListenError, networkOf, normalizeAddress, readNetwork, toListenError } from "@wirebook/net";
import type { FlowFaults, ListeningPort } from "@wirebook/protocol";
import type { ListenSettings } from "./listen-settings.ts";
import { Tally } from "../bounds.ts";
import type { GatewayLimits } from "../limits.ts";
import type { Log } from "../telemetry/access-log.ts";
import type { Metrics, RefusalReason } from "../telemetry/metrics.ts";
import { clientProbeMs, Flow } from "./flow.ts";
import type { FlowPort, FlowShared } from "./flow.ts";
import { noFaults, toFaults } from "./flow-faults.ts";
import type { FrameLog } from "./frame-log.ts";

/** What the ports of a gateway need. */
export interface ListeningPortsOptions {
  /** Networks besides loopback, as `readNetwork` reads them. */
  readonly allowed: readonly string[];
  readonly limits: GatewayLimits;
  readonly flowLog: FrameLog;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** All ports of one gateway. */
export class ListeningPorts {
  readonly flowLog: FrameLog;
  readonly #options: ListeningPortsOptions;
  readonly #settings: readonly ListenSettings[];
  readonly #allowed = new BlockList();
  readonly #open: OpenPort[] = [];
  readonly #flows = new Set<Flow>();
  readonly #counts = new Tally();
  readonly #shared: FlowShared;
  readonly #probing: NodeJS.Timeout;
  #whenEmpty: (() => void) | undefined;

  constructor(settings: readonly ListenSettings[], options: ListeningPortsOptions) {
    this.#settings = settings;
    this.#options = options;
    for (const text of options.allowed) {
      const network = readNetwork(text);
      if (network !== undefined) this.#allowed.addSubnet(network.address, network.bits, familyOf(network.address));
    }
    const { limits, flowLog, log } = options;
    this.flowLog = flowLog;
    this.#shared = {
      limits,
      flowLog,
      onOver: (flow) => this.#remove(flow),
      onInternalError: (error) => log.internalError(error, { where: "flow" }),
    };
    this.#probing = setInterval(() => {
      for (const flow of this.#flows) flow.probe();
    }, limits.pingIntervalMs).unref();
  }

  /** Flows that run. */
  get count(): number {
    return this.#flows.size;
  }

  /** The ports that are open, as pages are told. */
  get ports(): ListeningPort[] {
    return this.#open.map(({ host, port, target, faults }) => ({ host, port, target: target.name, faults }));
  }

  /** What is done to the flows of a port, those that run and those that come; false when there is no such port. */
  setFaults(port: number, faults: FlowFaults): boolean {
    const open = this.#open.find((each) => each.port === port);
    if (open === undefined) return false;
    open.faults = toFaults(faults);
    for (const flow of this.#flows) if (flow.port === open) flow.faultsChanged();
    return true;
  }

  /** @throws ListenError */
  async open(): Promise<void> {
    for (const settings of this.#settings) {
      const { host, port } = settings;
      const server = createServer({
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: clientProbeMs,
        pauseOnConnect: true,
      });
      try {
        await once(server.listen({ host, port }), "listening");
      } catch (error) {
        const { message } = toListenError(error as NodeJS.ErrnoException, settings);
        const sentence = `--listen: ${message.replaceAll(/--(?:port|host)/g, "--listen")}`;
        if (settings.isOptional !== true) throw new ListenError(sentence, { cause: error });
        this.#options.log.notice(`${sentence}; it took a free one now`);
        await once(server.listen({ host, port: 0 }), "listening");
      }
      const open = { ...settings, port: (server.address() as AddressInfo).port, server, faults: noFaults };
      server.on("connection", (socket) => this.#accept(socket, open));
      this.#open.push(open);
    }
  }

  /** No further client comes in; those that are there may end within `drainMs`. */
  async drain(): Promise<void> {
    for (const { server } of this.#open) server.close();
    if (this.#flows.size > 0) await this.#whenOver();
    clearInterval(this.#probing);
  }

  #whenOver(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenEmpty = resolve;
      setTimeout(() => {
        for (const flow of this.#flows) flow.abort();
      }, this.#options.limits.drainMs).unref();
    });
  }

  #accept(socket: Socket, port: OpenPort): void {
    const { log, metrics } = this.#options;
    const address = normalizeAddress(socket.remoteAddress ?? "") ?? "unknown";
    const reason = this.#whyRefused(address);
    if (reason !== undefined) {
      metrics.refused.inc({ reason });
      log.closed(address, reason);
      socket.resetAndDestroy();
      return;
    }
    const network = networkOf(address);
    this.#counts.add(network);
    socket.on("close", () => this.#counts.remove(network));
    const flow = new Flow(socket, port, this.#shared);
    this.#flows.add(flow);
    metrics.began(flow.logged);
  }

  #whyRefused(address: string): RefusalReason | undefined {
    const { flowsMax, flowsPerAddressMax } = this.#options.limits;
    if (!isLoopback(address) && !this.#allowed.check(address, familyOf(address))) return "not-allowed";
    if (this.#flows.size >= flowsMax) return "flows";
    return this.#counts.of(networkOf(address)) >= flowsPerAddressMax ? "flows-per-address" : undefined;
  }

  #remove(flow: Flow): void {
    const { log, metrics } = this.#options;
    this.#flows.delete(flow);
    metrics.flow(flow);
    log.flow(flow);
    if (this.#flows.size === 0) this.#whenEmpty?.();
  }
}

interface OpenPort extends FlowPort {
  readonly host: string;
  readonly server: Server;
  faults: FlowFaults;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
