/**
 * The frames between page and gateway, WebSocket subprotocol `wirebook.v1` [G-1]…[G-10].
 *
 * Control frames are JSON text and are validated here, by the same schemas at both ends. Byte frames are binary: a
 * big-endian exchange id of four bytes, then the bytes exactly as one read from TCP gave them (or, from the page, as
 * they are to be written). All times are milliseconds on the gateway's monotonic clock, which `clock` frames relate
 * to the page's.
 */

import * as z from "zod/mini";
import {
  argumentsMax,
  exchangeIdMax,
  messageBytesMax,
  rawBytesMax,
  timedChunksMax,
  timedFramesMax,
  timedWritesMax,
} from "./limits.ts";
import { findPlanProblem, plan, readPace } from "./write-schedule.ts";

/** The WebSocket subprotocol (RFC 6455, section 1.9). */
export const subprotocol = "wirebook.v1";

const id = z.int().check(z.minimum(1), z.maximum(exchangeIdMax));
const word = z.string().check(z.minLength(1), z.maxLength(messageBytesMax));
const milliseconds = z.number();
const count = z.int().check(z.minimum(0));
const base64BytesMax = Math.ceil(rawBytesMax / 3) * 4;

/** A plan must fit the bytes that it writes, and says itself when FIN follows. */
function checkPlan({ value, issues }: z.core.ParsePayload<RawWithPlan>): void {
  const { bytes, end, plan: steps } = value;
  if (steps === undefined) return;
  const problem = end
    ? "a raw frame with a plan must have end false; end it by a step of the plan"
    : findPlanProblem(steps, base64Length(bytes));
  if (problem !== undefined) issues.push({ code: "custom", input: value, path: ["plan"], message: problem });
}

/** What `checkPlan` looks at. */
interface RawWithPlan {
  readonly bytes: string;
  readonly end: boolean;
  readonly plan?: z.infer<typeof plan> | undefined;
}

/** Bytes that a base64 text stands for (RFC 4648, section 4). */
function base64Length(text: string): number {
  return (text.length / 4) * 3 - (text.length - text.replace(/=+$/, "").length);
}

/** What the page may send as text. */
export const pageFrame = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("request"),
    id,
    user: word,
    operation: z.optional(count),
    arguments: z.optional(z.array(z.union([z.int(), word])).check(z.maxLength(argumentsMax))),
  }),
  z
    .strictObject({
      type: z.literal("raw"),
      id,
      bytes: z.base64().check(z.maxLength(base64BytesMax)),
      end: z.boolean(),
      /** How the bytes are written, instead of all at once. Nothing can be added to them then [G-11]. */
      plan: z.optional(plan),
      /** How slowly the reply is read [G-11]. */
      read: z.optional(readPace),
    })
    .check(checkPlan),
  z.strictObject({ type: z.literal("end"), id }),
  z.strictObject({ type: z.literal("cancel"), id }),
  z.strictObject({ type: z.literal("clock"), at: milliseconds }),
]);

/** One of the page's control frames. */
export type PageFrame = z.infer<typeof pageFrame>;

/** The steps of an exchange at the gateway, in the order in which they happen. */
export const steps = [
  "received",
  "connecting",
  "established",
  "written",
  "ended",
  "firstByte",
  "fin",
  "closed",
] as const;

/** The name of a step: the frame came, connect() was called, and so on up to the closing of the TCP connection. */
export type Step = (typeof steps)[number];

const at = z.partialRecord(z.enum(steps), milliseconds);

/** When each step happened; a step that has not happened is absent. */
export type StepTimes = z.infer<typeof at>;

const endpoint = z.strictObject({ address: z.string(), port: z.int() });

/** One end of a TCP connection. */
export type Endpoint = z.infer<typeof endpoint>;

/** The stretch of the way on which something failed. */
export const hops = ["page-gateway", "gateway", "gateway-server"] as const;

/** The name of a hop. */
export type Hop = (typeof hops)[number];

/** Why an exchange, or a frame that began none, failed [G-7]. */
export const frameErrorCodes = [
  "busy",
  "connect-failed",
  "connect-refused",
  "connect-timeout",
  "connection-reset",
  "frame-invalid",
  "frame-rate",
  "id-in-use",
  "id-unknown",
  "message-invalid",
  "reply-timeout",
  "shutting-down",
  "too-many-exchanges",
  "too-many-websockets",
] as const;

/** A code of the table [G-7]. */
export type FrameErrorCode = (typeof frameErrorCodes)[number];

/** How an exchange came to its end without an error: by the server's FIN, by the page, or by the RST of its plan. */
export const endReasons = ["fin", "cancelled", "reset"] as const;

/** A reason of an `end` frame. */
export type EndReason = (typeof endReasons)[number];

const timed = z.tuple([milliseconds, count]);

/** What was measured of an exchange besides the times of its steps. */
const measures = {
  /** Bytes that the kernel has taken for the server. */
  sentBytes: count,
  receivedBytes: count,
  /** Time and size of each write to TCP, when the kernel had taken it. */
  writes: z.array(timed).check(z.maxLength(timedWritesMax)),
  /** Writes that came after those. */
  untimedWrites: count,
  /** Time and size of each chunk read from TCP. */
  chunks: z.array(timed).check(z.maxLength(timedChunksMax)),
  untimedChunks: count,
  /**
   * For each frame of the exchange to the page, `open` first where there was one, then the chunks, and last this very
   * frame: when it was handed to the WebSocket, and how many bytes waited for the page before it.
   */
  frames: z.array(timed).check(z.maxLength(timedFramesMax)),
  untimedFrames: count,
};

/** Times and sizes of an exchange, as its last frame has them [G-8]. */
export type Measures = z.infer<z.ZodMiniObject<typeof measures>>;

/** What the gateway may send as text. */
export const gatewayFrame = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    version: z.string(),
    /** The server that this gateway connects to, as `host:port`. */
    server: z.string(),
    /** Exchanges that this WebSocket may carry at once. */
    exchangesMax: count,
    /** TCP connections that the gateway opens to the server at once. */
    serverConnectionsMax: count,
    /** The gateway's number for this WebSocket: with an exchange's id it finds the exchange in the gateway's log. */
    socket: count,
    /** Bytes of the PROXY header before each message to the server; 0 without --proxy-protocol [W-20]. */
    proxyHeaderBytes: count,
  }),
  z.strictObject({ type: z.literal("clock"), at: milliseconds, gatewayAt: milliseconds }),
  z.strictObject({ type: z.literal("open"), id, local: endpoint, remote: endpoint, at }),
  z.strictObject({
    type: z.literal("end"),
    id,
    reason: z.enum(endReasons),
    at,
    ...measures,
  }),
  z.strictObject({
    type: z.literal("error"),
    /** The exchange that failed; `null` when a frame began none. */
    id: z.nullable(id),
    code: z.enum(frameErrorCodes),
    hop: z.enum(hops),
    message: z.string(),
    at,
    /** Absent when nothing was begun. */
    ...z.partial(z.object(measures)).shape,
    /** Milliseconds to wait before the same is tried again, where trying again helps [G-10]. */
    retryAfterMs: z.optional(count),
  }),
]);

/** One of the gateway's control frames. */
export type GatewayFrame = z.infer<typeof gatewayFrame>;

/** A text frame as a typed value, or the sentence that says what is wrong with it. */
export type Decoded<Frame> = { readonly frame: Frame } | { readonly problem: string };

/** Reads a control frame from the page. */
export function decodePageFrame(text: string): Decoded<PageFrame> {
  return decode(pageFrame, text);
}

/** Reads a control frame from the gateway. */
export function decodeGatewayFrame(text: string): Decoded<GatewayFrame> {
  return decode(gatewayFrame, text);
}

/** The text of a control frame, from either end. */
export function encodeFrame(frame: PageFrame | GatewayFrame): string {
  return JSON.stringify(frame);
}

const headerBytes = 4;

/** A byte frame: the exchange's id, then the bytes [G-3]. */
export function encodeBytes(exchange: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(headerBytes + bytes.length);
  new DataView(frame.buffer).setUint32(0, exchange);
  frame.set(bytes, headerBytes);
  return frame;
}

/** The inverse of `encodeBytes`, sharing the frame's memory; `undefined` when the frame is too short for an id. */
export function decodeBytes(frame: Uint8Array): { readonly id: number; readonly bytes: Uint8Array } | undefined {
  if (frame.length < headerBytes) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return { id: view.getUint32(0), bytes: frame.subarray(headerBytes) };
}

function decode<Schema extends z.ZodMiniType>(schema: Schema, text: string): Decoded<z.infer<Schema>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "a text frame must be one JSON object" };
  }
  const result = schema.safeParse(value);
  if (result.success) return { frame: result.data };
  const [issue] = result.error.issues;
  if (issue?.code === "custom" && issue.message !== "") return { problem: issue.message };
  const where = issue === undefined || issue.path.length === 0 ? "the frame" : issue.path.join(".");
  return { problem: `${where} is not as docs/gateway-frames.md has it (${issue?.code ?? "unknown"})` };
}
