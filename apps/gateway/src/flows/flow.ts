/**
 * A flow: one connection of a client, passed to a target byte for byte [G-15].
 *
 * The client is not read before the target is connected. FIN goes through in each direction by itself, so a connection may
 * stay half-open; RST goes through to the other leg. What the kernel reads from targets shares one piece of memory, from
 * where it is copied; Node gives the client's reads memory of their own.
 */

import type { OnReadOpts, Socket } from "node:net";
import {
  abort,
  connectTarget,
  connectTimeout,
  Deadline,
  describeEndpoint,
  encodeProxyHeader,
  endpointOf,
  explain,
} from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { countsOnly, StreamRecord } from "@wirebook/protocol";
import type { Endpoint, FlowFaults, FlowHead } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";
import type { StreamEnd } from "../streams/stream.ts";
import { announce } from "../websocket/page-frames.ts";
import { FlowDirection } from "./flow-direction.ts";
import { noFaults } from "./flow-faults.ts";
import type { FrameLog, LoggedFlow } from "./frame-log.ts";

/** Milliseconds of silence after which the kernel asks whether a client is still there, as it does with targets. */
export const clientProbeMs = 30_000;

/** Bytes of one read from a target. */
const readBytesMax = 64 * 1024;
const readMemory = Buffer.allocUnsafeSlow(readBytesMax);

/** The port through which a flow came. */
export interface FlowPort {
  readonly port: number;
  readonly target: Target;
  readonly faults: FlowFaults;
}

/** What all flows of a gateway share. */
export interface FlowShared {
  readonly limits: GatewayLimits;
  readonly flowLog: FrameLog;
  onOver(flow: Flow): void;
  onInternalError(error: unknown): void;
}

/** One connection and where it leads. */
export class Flow {
  readonly port: FlowPort;
  readonly record = new StreamRecord(countsOnly);
  readonly logged: LoggedFlow;
  readonly #shared: FlowShared;
  readonly #client: Socket;
  readonly #clientEnd: Endpoint | undefined;
  readonly #header: Uint8Array | undefined;
  /** The TCP or Unix socket of the target, and where bytes are read and written: itself, or TLS over it. */
  readonly #transport: Socket;
  #target: Socket;
  #up: FlowDirection | undefined;
  #down: FlowDirection | undefined;
  readonly #deadline = new Deadline(() => this.#timeOut());
  #finCount = 0;
  #outcome: StreamEnd | undefined;
  /** All faults that were done so far. */
  #doneFaults: FlowFaults | undefined;

  constructor(client: Socket, port: FlowPort, shared: FlowShared) {
    this.port = port;
    this.#shared = shared;
    this.#client = client;
    this.#clientEnd = endpointOf(client.remoteAddress, client.remotePort);
    this.#header = port.target.proxy === undefined ? undefined : this.#encodeHeader();
    this.record.mark("received", performance.now());
    this.#noteFaults();
    this.logged = shared.flowLog.begin(this.#head);
    client.on("error", () => this.#brokenBy("client"));
    this.#deadline.set(shared.limits.connectTimeoutMs);
    this.#transport = this.#target = connectTarget(port.target, {
      connectTimeoutMs: shared.limits.connectTimeoutMs,
      isKeptAlive: true,
      onread: this.#reader(),
      proxyHeader: this.#header,
      record: this.record,
      onReady: (socket) => this.#open(socket),
      onError: (error) => this.#brokenBy("target", error),
    });
  }

  get outcome(): StreamEnd | undefined {
    return this.#outcome;
  }

  get faults(): FlowFaults {
    return this.port.faults;
  }

  /** Who connected, for the log. */
  get clientText(): string {
    return this.#clientEnd === undefined ? "unknown" : describeEndpoint(this.#clientEnd);
  }

  /** The faults of the port have changed. */
  faultsChanged(): void {
    if (this.#outcome !== undefined) return;
    this.#noteFaults();
    this.logged.change(this.#head);
    this.#up?.faultsChanged();
    this.#down?.faultsChanged();
  }

  /** Finds out whether a leg that waits is still there. */
  probe(): void {
    this.#up?.probe();
    this.#down?.probe();
  }

  /** Ends at once: the gateway stops. */
  abort(): void {
    this.#breakBoth({ code: "shutting-down", message: "the gateway stopped; connect again in a moment" });
  }

  /** A sender's FIN was passed on. */
  onFin(isFromTarget: boolean): void {
    this.record.mark(isFromTarget ? "fin" : "ended", performance.now());
    this.#finCount += 1;
    if (this.#finCount === 2) this.#close();
    // A target may take its time after the client's FIN, and a client that never closes would stay for ever.
    else if (isFromTarget) this.#deadline.set(this.#shared.limits.halfOpenMs);
  }

  /** A fault ends it. */
  breakOff(how: "rst" | "fin"): void {
    if (how === "rst") return this.#breakBoth({ reason: "reset" });
    if (this.#outcome !== undefined) return;
    const atMs = performance.now();
    this.logged.closed("fin", "client", true, atMs);
    this.logged.closed("fin", "target", false, atMs);
    this.#close();
  }

  /** A mistake of this program, which ends one flow and no other. */
  onInternalError(error: unknown): void {
    this.#shared.onInternalError(error);
    this.abort();
  }

  get #head(): FlowHead {
    const { port } = this.port;
    const { local, remote, tls, at } = this.record;
    const client = this.#clientEnd;
    return {
      target: announce(this.port.target, this.#header),
      via: "listen",
      port,
      at: { ...at },
      ...(client && { client }),
      ...(local && { local }),
      ...(remote && { remote }),
      ...(tls && { tls }),
      ...(this.#doneFaults && { faults: this.#doneFaults }),
    };
  }

  #noteFaults(): void {
    const { faults } = this.port;
    if (faults !== noFaults) this.#doneFaults = { ...this.#doneFaults, ...faults };
  }

  /** The PROXY header of this client; a client that is gone already has no address any more. */
  #encodeHeader(): Uint8Array {
    const source = this.#clientEnd;
    const destination = endpointOf(this.#client.localAddress, this.#client.localPort);
    return encodeProxyHeader(source && destination && { source, destination });
  }

  /** Bytes can flow. */
  #open(target: Socket): void {
    const client = this.#client;
    const { limits } = this.#shared;
    this.#target = target;
    this.#transport.setNoDelay();
    this.#deadline.clear();
    this.logged.change(this.#head);
    if (target !== this.#transport) target.on("data", (bytes: Buffer) => this.#down?.pass(bytes));
    else if (this.#header !== undefined) target.write(this.#header);
    const up = new FlowDirection(this, false, [client, target], limits);
    this.#up = up;
    this.#down = new FlowDirection(this, true, [target, client], limits);
    client.on("data", (bytes: Buffer) => {
      if (this.#finCount > 0) this.#deadline.refresh();
      up.pass(bytes);
    });
    client.resume();
    target.resume();
  }

  /** Until the kernel has taken them, bytes that are written must stay as they are, and the memory is read into again. */
  #reader(): OnReadOpts {
    return {
      buffer: readMemory,
      callback: (byteCount) => {
        const bytes = Buffer.allocUnsafe(byteCount);
        readMemory.copy(bytes, 0, 0, byteCount);
        this.#down?.pass(bytes);
        return true;
      },
    };
  }

  #timeOut(): void {
    const { connectTimeoutMs } = this.#shared.limits;
    if (this.#up !== undefined) return this.#breakBoth({ reason: "fin" });
    const { code, message } = connectTimeout(this.port.target, connectTimeoutMs, this.record);
    this.#breakBoth({ code, message });
  }

  /** A leg is broken: the other one is told by RST. */
  #brokenBy(leg: "client" | "target", error?: Error): void {
    if (this.#outcome !== undefined) return;
    const atMs = performance.now();
    if (error === undefined) {
      this.logged.closed("rst", "client", false, atMs);
      return this.#breakBoth({ reason: "reset" }, leg);
    }
    const { code, message } = explain(error, this.port.target, {
      at: this.record.at,
      receivedBytes: this.logged.receivedBytes,
    });
    if (code === "connection-reset") this.logged.closed("rst", "target", true, atMs);
    this.#breakBoth({ code, message }, leg);
  }

  /** Both legs end by RST, unless one is broken already. */
  #breakBoth(outcome: StreamEnd, broken?: "client" | "target"): void {
    if (this.#outcome !== undefined) return;
    const atMs = performance.now();
    if (broken !== "client") this.logged.closed("rst", "client", true, atMs);
    const hasReset = this.port.target.address.transport !== "unix" && this.record.at.established !== undefined;
    if (broken !== "target" && hasReset) this.logged.closed("rst", "target", false, atMs);
    this.#finish(outcome);
    abort(this.#client);
    if (hasReset) abort(this.#transport, this.#target);
    else this.#transport.destroy();
  }

  #finish(outcome: StreamEnd): void {
    this.#outcome = outcome;
    this.#deadline.clear();
    this.#up?.stop();
    this.#down?.stop();
    this.record.mark("closed", performance.now());
    this.logged.over(outcome, this.record.at);
    this.#shared.onOver(this);
  }

  /** Both get FIN behind what waits for them, if they have not got it. One that does not read is waited for no longer. */
  #close(): void {
    this.#finish({ reason: "fin" });
    for (const socket of [this.#client, this.#target]) {
      const timer = setTimeout(() => socket.destroy(), this.#shared.limits.closeTimeoutMs);
      socket.end(() => {
        clearTimeout(timer);
        socket.destroy();
      });
    }
  }
}
