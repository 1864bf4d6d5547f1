/**
 * A flow: one connection of a client, passed to a target byte for byte [G-15]. The client is not read before the target is
 * connected. FIN goes through in each direction by itself, so a connection may stay half-open; RST goes to the other leg.
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
import { countsOnly, StreamRecord, type Endpoint, type FlowFaults, type FlowHead } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";
import { outcomeOf, type StreamEnd } from "../streams/stream.ts";
import { announce } from "../websocket/page-frames.ts";
import { FlowDirection } from "./flow-direction.ts";
import type { LoggedFlow } from "./frame-log.ts";
import type { ListeningPorts, OpenPort } from "./listening-port.ts";

const readMemory = Buffer.allocUnsafeSlow(64 * 1024);

export class Flow {
  /** The port through which it came. */
  readonly port: OpenPort;
  readonly limits: GatewayLimits;
  readonly record = new StreamRecord(countsOnly);
  readonly logged: LoggedFlow;
  outcome: StreamEnd | undefined;
  readonly #owner: ListeningPorts;
  readonly #client: Socket;
  readonly #clientEnd: Endpoint | undefined;
  readonly #header: Uint8Array | undefined;
  /** The socket of the target, and where bytes are read and written: itself, or TLS over it. */
  readonly #transport: Socket;
  #target: Socket;
  #up: FlowDirection | undefined;
  #down: FlowDirection | undefined;
  readonly #deadline = new Deadline(() => this.#timeOut());
  #finCount = 0;
  #doneFaults: FlowFaults = {};

  constructor(client: Socket, port: OpenPort, owner: ListeningPorts) {
    const { connectTimeoutMs } = (this.limits = owner.shared.limits);
    this.port = port;
    this.#owner = owner;
    this.#client = client;
    const source = (this.#clientEnd = endpointOf(client.remoteAddress, client.remotePort));
    const destination = endpointOf(client.localAddress, client.localPort);
    // A client that is gone already has no address any more.
    this.#header = port.target.proxy && encodeProxyHeader(source && destination && { source, destination });
    this.record.mark("received", performance.now());
    this.logged = owner.shared.flowLog.begin(this.#describe());
    client.on("error", () => this.#break({ reason: "reset" }, "client"));
    this.#deadline.set(connectTimeoutMs);
    this.#transport = this.#target = connectTarget(port.target, {
      connectTimeoutMs,
      isKeptAlive: true,
      onread: this.#makeReader(),
      proxyHeader: this.#header,
      record: this.record,
      onReady: (socket) => this.#open(socket),
      onError: (error) => {
        const { receivedBytes } = this.logged;
        this.#break(explain(error, port.target, { at: this.record.at, receivedBytes }), "target");
      },
    });
  }

  get clientText(): string {
    return this.#clientEnd === undefined ? "unknown" : describeEndpoint(this.#clientEnd);
  }

  faultsChanged(): void {
    if (this.outcome !== undefined) return;
    this.logged.change(this.#describe());
    this.#up?.run();
    this.#down?.run();
  }

  probe(): void {
    this.#up?.probe();
    this.#down?.probe();
  }

  abort(): void {
    this.#break({ code: "shutting-down", message: "the gateway stopped; connect again in a moment" });
  }

  /** A sender's FIN was passed on. */
  onFin(isFromTarget: boolean): void {
    this.record.mark(isFromTarget ? "fin" : "ended", performance.now());
    this.#finCount += 1;
    if (this.#finCount === 2) this.#close();
    // A target may take its time after the client's FIN, and a client that never closes would stay for ever.
    else if (isFromTarget) this.#deadline.set(this.limits.halfOpenMs);
  }

  /** A fault ends it. */
  breakOff(how: "rst" | "fin"): void {
    if (how === "rst") return this.#break({ reason: "reset" });
    if (this.outcome !== undefined) return;
    const atMs = performance.now();
    this.logged.closed("fin", "client", true, atMs);
    this.logged.closed("fin", "target", false, atMs);
    this.#close();
  }

  /** A mistake of this program, which ends one flow and no other. */
  onInternalError(error: unknown): void {
    this.#owner.shared.log.internalError(error, { where: "flow" });
    this.abort();
  }

  #describe(): FlowHead {
    const { port, target, faults } = this.port;
    const { local, remote, tls, at } = this.record;
    this.#doneFaults = { ...this.#doneFaults, ...faults };
    const hasFaults = Object.keys(this.#doneFaults).length > 0;
    return {
      target: announce(target, this.#header),
      via: "listen",
      port,
      at: { ...at },
      // JSON leaves out what is undefined.
      client: this.#clientEnd,
      local,
      remote,
      tls,
      faults: hasFaults ? this.#doneFaults : undefined,
    };
  }

  #open(target: Socket): void {
    const client = this.#client;
    this.#target = target;
    this.#transport.setNoDelay();
    this.#deadline.clear();
    this.logged.change(this.#describe());
    if (target !== this.#transport) target.on("data", (bytes: Buffer) => this.#down?.pass(bytes));
    else if (this.#header !== undefined) target.write(this.#header);
    const up = (this.#up = new FlowDirection(this, false, client, target));
    this.#down = new FlowDirection(this, true, target, client);
    client.on("data", (bytes: Buffer) => {
      if (this.#finCount > 0) this.#deadline.refresh();
      up.pass(bytes);
    });
    client.resume();
    target.resume();
  }

  /** Until the kernel has taken them, bytes that are written must stay as they are, and the memory is read into again. */
  #makeReader(): OnReadOpts {
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
    const { connectTimeoutMs } = this.limits;
    const isOpen = this.#up !== undefined;
    this.#break(isOpen ? { reason: "fin" } : connectTimeout(this.port.target, connectTimeoutMs, this.record));
  }

  /** Both legs end by RST, unless one is broken already, which is told to the other one. */
  #break(outcome: StreamEnd, broken?: "client" | "target"): void {
    if (this.outcome !== undefined) return;
    const atMs = performance.now();
    const hasReset = this.port.target.address.transport !== "unix" && this.record.at.established !== undefined;
    if (broken === "client") this.logged.closed("rst", "client", false, atMs);
    if (broken === "target" && outcomeOf(outcome) === "connection-reset") {
      this.logged.closed("rst", "target", true, atMs);
    }
    if (broken !== "client") this.logged.closed("rst", "client", true, atMs);
    if (broken !== "target" && hasReset) this.logged.closed("rst", "target", false, atMs);
    this.#finish(outcome);
    abort(this.#client);
    if (hasReset) abort(this.#transport, this.#target);
    else this.#transport.destroy();
  }

  #finish(outcome: StreamEnd): void {
    this.outcome = outcome;
    this.#deadline.clear();
    this.#up?.stop();
    this.#down?.stop();
    this.record.mark("closed", performance.now());
    this.logged.over(outcome, this.record.at);
    this.#owner.onOver(this);
  }

  /** Both get FIN behind what waits for them, if they have not got it. One that does not read is waited for no longer. */
  #close(): void {
    this.#finish({ reason: "fin" });
    for (const socket of [this.#client, this.#target]) {
      const timer = setTimeout(() => socket.destroy(), this.limits.closeTimeoutMs);
      socket.end(() => {
        clearTimeout(timer);
        socket.destroy();
      });
    }
  }
}
