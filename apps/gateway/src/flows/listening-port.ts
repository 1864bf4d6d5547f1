/**
 * The TCP ports on which the gateway listens besides its own: each connection becomes a flow to the port's target [G-15].
 * Loopback may always connect; others where the operator allowed their network, else they are reset before a byte was read.
 */

import { once } from "node:events";
import { BlockList, createServer, isIPv6, type AddressInfo, type Server, type Socket } from "node:net";
import { describeHostPort, isLoopback, ListenError, networkOf, normalizeAddress, toListenError } from "@wirebook/net";
import type { HostPort, Target } from "@wirebook/net";
import type { FlowFaults, ListeningPort } from "@wirebook/protocol";
import { Tally } from "../bounds.ts";
import type { GatewayConfig } from "../config.ts";
import type { RefusalReason } from "../telemetry/metrics.ts";
import type { ConnectionShared } from "../websocket/connection.ts";
import { Flow } from "./flow.ts";
import { noFaults } from "./flow-direction.ts";
import type { ListenSettings } from "./listen-settings.ts";

/** Milliseconds of silence after which the kernel asks whether a client is still there, as it does with targets. */
const clientProbeMs = 30_000;

type FlowShared = Pick<ConnectionShared, "limits" | "flowLog" | "log" | "metrics">;

/** A port through which flows come. */
export interface OpenPort extends HostPort {
  readonly target: Target;
  readonly server: Server;
  faults: FlowFaults;
}

export class ListeningPorts {
  readonly shared: FlowShared;
  /** Called when the faults of a port have changed. */
  onFaults: (() => void) | undefined;
  readonly #allowed = new BlockList();
  readonly #open: OpenPort[] = [];
  readonly #flows = new Set<Flow>();
  readonly #counts = new Tally();
  readonly #probing: NodeJS.Timeout;

  /** @param allowed networks besides loopback */
  constructor(allowed: GatewayConfig["allow"], shared: FlowShared) {
    this.shared = shared;
    for (const { address, bits } of allowed) this.#allowed.addSubnet(address, bits, familyOf(address));
    this.#probing = setInterval(() => {
      for (const flow of this.#flows) flow.probe();
    }, shared.limits.pingIntervalMs).unref();
  }

  get count(): number {
    return this.#flows.size;
  }

  get ports(): ListeningPort[] {
    return this.#open.map(({ host, port, target, faults }) => ({ host, port, target: target.name, faults }));
  }

  /** What is done to the flows of a port, those that run and those that come; false when there is no such port. */
  setFaults(port: number, faults: FlowFaults): boolean {
    const open = this.#open.find((each) => each.port === port);
    if (open === undefined) return false;
    const isSome = Object.values(faults).some((value) => value !== undefined && value !== false);
    open.faults = isSome ? faults : noFaults;
    for (const flow of this.#flows) if (flow.port === open) flow.faultsChanged();
    this.onFaults?.();
    return true;
  }

  /** @throws ListenError */
  async open(all: readonly ListenSettings[], nameOf: GatewayConfig["nameOf"]): Promise<void> {
    for (const settings of all) {
      const { host, port } = settings;
      const probes = { keepAlive: true, keepAliveInitialDelay: clientProbeMs };
      const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true, ...probes });
      try {
        await once(server.listen({ host, port }), "listening");
      } catch (error) {
        const nameOfPort = (_: string, other?: number) =>
          nameOf("listen", other && `${describeHostPort({ host, port: other })}=${settings.target.name}`);
        const { message } = toListenError(error as NodeJS.ErrnoException, { host, port, nameOf: nameOfPort });
        const sentence = `${nameOf("listen")}: ${message}`;
        if (settings.isOptional !== true) throw new ListenError(sentence, { cause: error });
        this.shared.log.notice(`${sentence}; it took a free one instead`);
        await once(server.listen({ host, port: 0 }), "listening");
      }
      const open = { ...settings, port: (server.address() as AddressInfo).port, server, faults: noFaults };
      server.on("connection", (socket) => this.#accept(socket, open));
      this.#open.push(open);
    }
  }

  /** No further client comes in; those that are there may end within `drainMs`. */
  async drain(): Promise<void> {
    const closed = this.#open.map(({ server }) => once(server.close(), "close"));
    const timer = setTimeout(() => {
      for (const flow of this.#flows) flow.abort();
    }, this.shared.limits.drainMs);
    await Promise.all(closed);
    clearTimeout(timer);
    clearInterval(this.#probing);
  }

  onOver(flow: Flow): void {
    this.#flows.delete(flow);
    this.shared.metrics.flow(flow);
    this.shared.log.flow(flow);
  }

  #accept(socket: Socket, port: OpenPort): void {
    const address = normalizeAddress(socket.remoteAddress ?? "") ?? "unknown";
    const network = networkOf(address);
    const reason = this.#whyRefused(address, network);
    if (reason !== undefined) {
      this.shared.metrics.refused.inc({ reason });
      this.shared.log.closed(address, reason);
      return void socket.resetAndDestroy();
    }
    this.#counts.add(network, socket);
    const flow = new Flow(socket, port, this);
    this.#flows.add(flow);
    this.shared.metrics.began(flow.logged);
  }

  #whyRefused(address: string, network: string): RefusalReason | undefined {
    const { flowsMax, flowsPerAddressMax } = this.shared.limits;
    if (!isLoopback(address) && !this.#allowed.check(address, familyOf(address))) return "not-allowed";
    if (this.#flows.size >= flowsMax) return "flows";
    return this.#counts.of(network) >= flowsPerAddressMax ? "flows-per-address" : undefined;
  }
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
