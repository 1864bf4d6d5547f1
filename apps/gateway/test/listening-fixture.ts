/** A gateway with one listening port, its clients, and what it wrote down. */

import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { vi } from "vitest";
import { decodeByteFrame, decodeGatewayFrame } from "@wirebook/protocol";
import type { ByteFrame, GatewayFrame } from "@wirebook/protocol";
import type { Target } from "@wirebook/net";
import { openPeer } from "../../../libs/net/test/peers.ts";
import type { Peer } from "../../../libs/net/test/peers.ts";
import { openGateway } from "./gateway-fixture.ts";
import type { Gateway, GatewayOptions } from "./gateway-fixture.ts";

/** Such a gateway. */
export interface Listening extends Gateway {
  readonly listenPort: number;
}

/** What differs from a port on 127.0.0.1 for this machine alone. */
export interface ListeningOptions extends GatewayOptions {
  readonly listenHost?: string;
}

/** A gateway with one listening port before a target. */
export async function openListening(target: Target, options: ListeningOptions = {}): Promise<Listening> {
  const { listenHost: host = "127.0.0.1" } = options;
  const listens = [{ host, port: 0, target }];
  const gateway = await openGateway([target], { ...options, config: { listens, ...options.config } });
  return { ...gateway, listenPort: gateway.app.listening.ports[0]?.port ?? 0 };
}

/** Sends back what it gets, and FIN after FIN. */
export function echo(socket: Socket): void {
  socket.pipe(socket);
}

/** The same before a server of its own, which gives each of its connections to `talk`. */
export async function openFront(
  talk: (socket: Socket) => void = echo,
  options: ListeningOptions = {},
): Promise<Listening & { readonly peer: Peer }> {
  const peer = await openPeer(talk);
  const gateway = await openListening(peer.target, options);
  const dispose = async (): Promise<void> => {
    await gateway[Symbol.asyncDispose]();
    await peer[Symbol.asyncDispose]();
  };
  return { ...gateway, peer, [Symbol.asyncDispose]: dispose };
}

/** Connects a client, which may half-close. */
export async function openClient(port: number, host = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true });
  // Best effort: tests leave connections behind, which the end of the gateway resets.
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** All bytes up to the other side's FIN. The socket may be written to afterwards. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
  await once(socket, "end");
  return Buffer.concat(chunks);
}

/** Sends a message and FIN, and gives the whole reply. */
export async function exchange(port: number, message: string | Uint8Array): Promise<Buffer> {
  const socket = await openClient(port);
  socket.end(message);
  return await readAll(socket);
}

/** The code of the error with which a socket ends. */
export async function errorOf(socket: Socket): Promise<string | undefined> {
  socket.resume();
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  return error.code;
}

/** The code of the error that a client gets which is not let in, before or behind its `connect`. */
export function refusalOf(port: number, host = "127.0.0.1"): Promise<string | undefined> {
  return errorOf(connect({ host, port }));
}

/** Waits for what must come; the time only bounds a hang. */
export function until<Found>(look: () => Found): Promise<NonNullable<Found>> {
  return vi.waitUntil(look, { timeout: 60_000, interval: 5 }) as Promise<NonNullable<Found>>;
}

/** What the gateway wrote down of its flows. */
export function recorded({ app }: Gateway): { readonly texts: GatewayFrame[]; readonly bytes: ByteFrame[] } {
  const { flowLog } = app.listening.shared;
  const frames = flowLog.read(flowLog.firstAt, Infinity, Infinity);
  const texts = frames.filter((frame) => typeof frame === "string").map(decodeGatewayFrame);
  return {
    texts: texts.map((decoded) => ("frame" in decoded ? decoded.frame : fail(decoded.problem))),
    bytes: frames.filter((frame) => typeof frame !== "string").map(byteFrameOf),
  };
}

/** Bytes that the gateway has read of its flows. */
export function carried({ app }: Gateway): { readonly up: number; readonly down: number } {
  const flows = [...app.listening.shared.flowLog.flows()];
  return {
    up: flows.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    down: flows.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
  };
}

/** Each byte frame in short, such as `data client > brick`. */
export function steps(gateway: Gateway): string[] {
  return recorded(gateway).bytes.map((frame) => {
    const { kind, leg, isFromTarget } = frame;
    const body = kind === "data" ? ` ${Buffer.from(frame.bytes).toString()}` : "";
    return `${kind} ${leg} ${isFromTarget ? "<" : ">"}${body}`;
  });
}

function byteFrameOf(bytes: Buffer): ByteFrame {
  const frame = decodeByteFrame(bytes);
  return typeof frame === "string" ? fail(frame) : frame;
}

function fail(problem: string): never {
  throw new Error(problem);
}
