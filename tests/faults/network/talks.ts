/**
 * Conversations whose two ends know beforehand what each of them will do: a plan, and the target that follows it. A
 * client, of whatever kind, begins with the number of its plan in four bytes.
 */

import type { Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import type { Random } from "../../../test-support/random.ts";

const bytesMax = 256 * 1024;
const stallMsMax = 50;
/** All bytes that go either way are a piece of these. */
export const poolBytes = 2 * bytesMax;
const readBytes = 8192;
/** Milliseconds after which a write that the kernel has not taken is held back by the other end. */
const heldBackMs = 500;

/** Who sends FIN before the other one has sent all, or who breaks the conversation off. */
export type Fate =
  | "client ends"
  | "target ends"
  | "both end"
  | "client resets"
  | "client cancels"
  | "target resets"
  | "client resets behind the target's FIN"
  | "target resets behind the client's FIN";

/** What a conversation will be like. */
export interface Plan {
  readonly up: Buffer;
  readonly down: Buffer;
  readonly fate: Fate;
  /** Milliseconds for which an end reads nothing. */
  readonly stallMs: { readonly client: number; readonly target: number };
  /** Where it is there, the client reads nothing before it resolves: when the target's bytes are held back, or all are sent. */
  readonly heldBack?: PromiseWithResolvers<void>;
  /** Resolves when the target has got the conversation's number. */
  readonly begun: PromiseWithResolvers<void>;
  /** The target's side: what it got, and how it was closed. */
  readonly seen: PromiseWithResolvers<{ bytes: Buffer; closing: string }>;
}

/** The fates in which both ends get all bytes. */
export const wholeFates: ReadonlySet<Fate> = new Set(["client ends", "target ends", "both end"]);
const waitsForFin: ReadonlySet<Fate> = new Set(["client ends", "target resets behind the client's FIN"]);
const leavesTheEndOpen: ReadonlySet<Fate> = new Set(["client resets", "client cancels"]);

export function choosePlan(pool: Buffer, random: Random, fates: readonly Fate[]): Plan {
  const piece = (): Buffer => {
    const length = random.chance(0.1) ? 0 : random.below(random.chance(0.5) ? 2000 : bytesMax);
    const start = random.below(poolBytes - length);
    return pool.subarray(start, start + length);
  };
  const stall = (): number => (random.chance(0.1) ? random.below(stallMsMax) : 0);
  return {
    up: piece(),
    down: piece(),
    fate: random.pick(fates),
    stallMs: { client: stall(), target: stall() },
    begun: Promise.withResolvers(),
    seen: Promise.withResolvers(),
  };
}

/** What a client sends first. */
export function headOf(number: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(number);
  return head;
}

export async function sendInPieces(send: (bytes: Buffer) => unknown, bytes: Buffer, random: Random): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const length = random.between(1, random.chance(0.5) ? 200 : 40_000);
    await send(bytes.subarray(at, at + length));
    at += length;
  }
}

/** Resolves when the kernel has the bytes, or the socket is gone. */
export function writeTo(socket: Socket): (bytes: Buffer) => Promise<void> {
  return (bytes) => new Promise((resolve) => socket.write(bytes, () => resolve()));
}

/** Reads nothing for so long, or until then. */
export async function readNothing(
  socket: { pause(): unknown; resume(): unknown },
  until: number | Promise<void>,
): Promise<void> {
  if (until === 0) return;
  socket.pause();
  await (typeof until === "number" ? wait(until) : until);
  socket.resume();
}

/** What came through a socket, and how it was closed: `FIN`, `RST` or, so far, `nothing`. */
export class SocketReader {
  closing = "nothing";
  readonly #came: Buffer[] = [];
  /** Each resolves at the first byte, the other side's FIN, and the end of all. */
  readonly begun: Promise<void>;
  readonly ended: Promise<void>;
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    socket.on("data", (bytes: Buffer) => {
      this.#came.push(bytes);
      begun.resolve();
    });
    socket.on("end", () => {
      this.closing = "FIN";
      ended.resolve();
    });
    socket.on("error", () => (this.closing = "RST"));
    this.begun = begun.promise;
    this.ended = ended.promise;
    this.closed = new Promise((resolve) => socket.on("close", () => resolve()));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#came);
  }
}

/** The target's side of a conversation, whose number comes first. */
export async function follow(socket: Socket, plans: ReadonlyMap<number, Plan>, random: Random): Promise<void> {
  const reader = new SocketReader(socket);
  const { begun, ended, closed } = reader;
  await Promise.race([begun, closed]);
  const number = reader.bytes.length === 0 ? longConversation : reader.bytes.readUInt32BE();
  if (number === longConversation) return sendLong(socket, closed);
  const plan = plans.get(number);
  if (plan === undefined) return void socket.destroy();
  const { fate, down, heldBack, seen } = plan;
  plan.begun.resolve();
  await readNothing(socket, plan.stallMs.target);
  if (waitsForFin.has(fate)) await Promise.race([ended, closed]);
  const write = writeTo(socket);
  const writeWatched = async (bytes: Buffer): Promise<void> => {
    const timer = setTimeout(() => heldBack?.resolve(), heldBackMs);
    await write(bytes);
    clearTimeout(timer);
  };
  await sendInPieces(heldBack === undefined ? write : writeWatched, down, random);
  heldBack?.resolve();
  if (fate.startsWith("target resets")) socket.resetAndDestroy();
  else if (!leavesTheEndOpen.has(fate)) socket.end();
  await closed;
  seen.resolve({ bytes: reader.bytes.subarray(4), closing: reader.closing });
}

export function isPrefix(part: Buffer, whole: Buffer): boolean {
  return part.equals(whole.subarray(0, part.length));
}

/** The number of the conversation in which the target sends for as long as the client stays. */
export const longConversation = 0xffff_ffff;

/** Writes pieces one by one, so that few of them share a read. */
async function sendLong(socket: Socket, closed: Promise<void>): Promise<void> {
  socket.setNoDelay();
  const piece = Buffer.alloc(readBytes, "w");
  while (!socket.destroyed) {
    if (socket.write(piece)) await nextTurn();
    else await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed]);
  }
}
