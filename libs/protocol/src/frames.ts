/**
 * The text frames between page and gateway, WebSocket subprotocol `wirebook.v2` [G-1]…[G-17]: JSON, validated by the same
 * schemas at both ends, and the names of a stream's steps and errors, which records, files and logs share. All times are
 * milliseconds on the gateway's monotonic clock, which `clock` frames relate to the page's.
 */

import * as z from "zod/mini";
import { flowIdMin, streamIdMax } from "./byte-frames.ts";
import {
  argumentsMax,
  faultMsMax,
  firstBytesMax,
  flowNameCharactersMax,
  flowsKeptMax,
  listeningMax,
  messageBytesMax,
  targetsMax,
} from "./limits.ts";
import { findScheduleProblem, readRate, schedule } from "./write-schedule.ts";

/** The WebSocket subprotocol (RFC 6455, section 1.9). */
export const subprotocol = "wirebook.v2";

/** The steps of a stream at the gateway, in their order: the frame came, connect() was called, …, the closing. */
export const steps = [
  "received",
  "connecting",
  "established",
  "secured",
  "written",
  "ended",
  "firstByte",
  "fin",
  "closed",
] as const;

export type Step = (typeof steps)[number];

/** Milliseconds of any clock: a century either way, so that each is a date. */
export const timeMsMax = 100 * 366 * 86_400_000;
export const milliseconds = z.number().check(z.minimum(-timeMsMax), z.maximum(timeMsMax));

export const stepTimes = z.partialRecord(z.enum(steps), milliseconds);

/** When each step happened; a step that has not happened is absent. */
export type StepTimes = z.infer<typeof stepTimes>;

/** One end of a TCP connection. */
export const endpoint = z.strictObject({ address: z.string(), port: z.int().check(z.minimum(0), z.maximum(65_535)) });
export type Endpoint = z.infer<typeof endpoint>;

/** The part of the way on which something failed. */
export const hops = ["page-gateway", "gateway", "gateway-server"] as const;
export type Hop = (typeof hops)[number];

/** Why the connection to a target failed [G-7]. */
export const streamErrorCodes = [
  "busy",
  "connect-failed",
  "connect-refused",
  "connect-timeout",
  "connection-reset",
  "reply-timeout",
  "tls-client-certificate",
  "tls-expired",
  "tls-failed",
  "tls-no-common-protocol",
  "tls-not-yet-valid",
  "tls-self-signed",
  "tls-unknown-authority",
  "tls-wrong-host",
] as const;
export type StreamErrorCode = (typeof streamErrorCodes)[number];

/** Why a stream, or a frame that began none, failed [G-7]. */
export const frameErrorCodes = [
  ...streamErrorCodes,
  "forbidden",
  "frame-invalid",
  "frame-rate",
  "id-in-use",
  "login-needed",
  "message-invalid",
  "presentation-unknown",
  "reset-impossible",
  "shutting-down",
  "target-unknown",
  "too-many-presentations",
  "too-many-streams",
  "too-many-websockets",
] as const;
export type FrameErrorCode = (typeof frameErrorCodes)[number];

/** How a stream ended without an error: both directions were closed, the page left, or RST was sent as was asked for. */
export const endReasons = ["fin", "cancelled", "reset"] as const;
export type EndReason = (typeof endReasons)[number];

export const tlsFacts = z.strictObject({
  /** Such as `TLSv1.3`, and the cipher suite by its IANA name. */
  version: z.string(),
  cipher: z.string(),
  /** The application protocol that was agreed on (RFC 7301), if one was. */
  alpn: z.nullable(z.string()),
  /** The certificate of the target; its times are ISO 8601. */
  peer: z.strictObject({ subject: z.string(), issuer: z.string(), validFrom: z.string(), validTo: z.string() }),
});
export type TlsFacts = z.infer<typeof tlsFacts>;

/** How a target is reached. */
export const transports = ["tcp", "tls", "unix"] as const;

const id = z.int().check(z.minimum(1), z.maximum(streamIdMax));
/** Of a flow [G-15]. */
const flowId = z.int().check(z.minimum(flowIdMin), z.maximum(0xffff_ffff));
const streamOrFlowId = z.union([id, flowId]);
const { port } = endpoint.shape;
const word = z.string().check(z.minLength(1), z.maxLength(messageBytesMax));
const count = z.int().check(z.minimum(0));
const positive = z.int().check(z.minimum(1));
const epochCharactersMax = 32;
const base64BytesMax = Math.ceil(firstBytesMax / 3) * 4;

/** The name that an operator gave to a target (DNS label characters, in lower case). */
const targetName = z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,31}$/));

/** Bytes that a base64 text stands for (RFC 4648, section 4); of another text, which is refused by its own check, any number. */
function base64Length(text: string): number {
  return (text.length / 4) * 3 - (text.length - text.replace(/=+$/, "").length);
}

const target = z.strictObject({
  name: targetName,
  transport: z.enum(transports),
  /** `host:port`; absent for a Unix socket. */
  address: z.optional(z.string()),
  /** Bytes of the PROXY header that goes before each stream to it; 0 for none [W-20]. */
  proxyHeaderBytes: count,
});
export type AnnouncedTarget = z.infer<typeof target>;

/** Bytes that the kernel has taken for the target, and bytes that came from it. */
const totals = { sentBytes: count, receivedBytes: count };

/** What a listening port does to the connections that it passes on; what is absent is not done. */
export const flowFaults = z.strictObject({
  /** Each read waits this long, and up to `jitterMs` longer. */
  latencyMs: z.optional(count.check(z.maximum(faultMsMax))),
  jitterMs: z.optional(count.check(z.maximum(faultMsMax))),
  /** Bytes that are passed on at once. */
  sliceBytes: z.optional(positive),
  bytesPerSecond: z.optional(positive),
  /** Bytes of one direction after which both legs are reset, or closed with FIN. */
  resetAfterBytes: z.optional(count),
  finAfterBytes: z.optional(count),
  /** Nothing is passed on. */
  isStalled: z.optional(z.boolean()),
});
export type FlowFaults = z.infer<typeof flowFaults>;

const listening = z.strictObject({ port, host: z.string(), target: targetName, faults: flowFaults });
export type ListeningPort = z.infer<typeof listening>;

const streamHead = {
  target,
  /** Who connected; absent where the page itself did. */
  client: z.optional(endpoint),
  /** The gateway's end and the target's; absent for a Unix socket. */
  local: z.optional(endpoint),
  remote: z.optional(endpoint),
  tls: z.optional(tlsFacts),
  at: stepTimes,
  /** What faults the listening port has done. */
  faults: z.optional(flowFaults),
  name: z.optional(z.string().check(z.maxLength(flowNameCharactersMax))),
};
const { local, remote, tls, at } = streamHead;
/** What a presenter says of a stream besides its bytes [G-16]. */
const presentedHead = z.strictObject(streamHead);
export type StreamHead = z.infer<typeof presentedHead>;

/** How a flow came: through a listening port, a relay, or a page that presents it. */
export const flowOrigins = ["listen", "relay", "presented"] as const;

/** What a gateway says of a flow besides its bytes [G-15]. */
const flowHead = z.strictObject({ ...streamHead, via: z.enum(flowOrigins), port: z.optional(port) });
export type FlowHead = z.infer<typeof flowHead>;

const ending = z.strictObject({ reason: z.enum(endReasons) });
const failure = z.strictObject({ code: z.enum(frameErrorCodes), hop: z.enum(hops), message: z.string() });

/** 128 random bits in base64url (RFC 4648, section 5): whoever has them may watch the presentation. */
const token = z.string().check(z.regex(/^[\w-]{22}$/));

const pageFrame = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("request"),
    id,
    user: word,
    operation: z.optional(count),
    arguments: z.optional(z.array(z.union([z.int(), word])).check(z.maxLength(argumentsMax))),
  }),
  z
    .strictObject({
      type: z.literal("connect"),
      id,
      target: targetName,
      /** What is written first. */
      bytes: z.base64().check(z.maxLength(base64BytesMax)),
      /** True when FIN follows those bytes. */
      end: z.boolean(),
      /** Nothing can be added to the bytes then [G-11]. */
      schedule: z.optional(schedule),
      read: z.optional(readRate),
    })
    // A write schedule must fit the bytes that it writes, and says itself when FIN follows.
    .check(({ value, issues }) => {
      const { bytes, end, schedule: writes } = value;
      if (writes === undefined) return;
      const problem = end
        ? "a connect frame with a write schedule must have end false; end it by a step of the schedule"
        : findScheduleProblem(writes, base64Length(bytes));
      if (problem !== undefined) issues.push({ code: "custom", input: value, path: ["schedule"], message: problem });
    }),
  z.strictObject({ type: z.literal("end"), id }),
  z.strictObject({ type: z.literal("reset"), id }),
  z.strictObject({ type: z.literal("cancel"), id }),
  z.strictObject({ type: z.literal("clock"), at: milliseconds }),
  z.strictObject({
    type: z.literal("watch"),
    /** Where to go on. */
    from: z.optional(z.strictObject({ epoch: z.string().check(z.maxLength(epochCharactersMax)), position: count })),
    /** A presentation to watch, instead of the flows of the gateway. */
    presentation: z.optional(token),
  }),
  z.strictObject({ type: z.literal("unwatch") }),
  z.strictObject({ type: z.literal("set-faults"), port, faults: flowFaults }),
  /** With the key of a presentation, after a reload, that one goes on. */
  z.strictObject({ type: z.literal("present"), key: z.optional(token) }),
  z.strictObject({ type: z.literal("unpresent") }),
  z.strictObject({ type: z.literal("show"), id, stream: presentedHead }),
  z.strictObject({ type: z.literal("shown"), id, outcome: z.union([ending, failure]), at: stepTimes, ...totals }),
  z.strictObject({ type: z.literal("select"), id: z.nullable(id) }),
]);
export type PageFrame = z.infer<typeof pageFrame>;

/** What a user of the gateway may do, each role more than the one before: look; use the targets; everything [G-14]. */
export const gatewayRoles = ["viewer", "user", "operator"] as const;
export type GatewayRole = (typeof gatewayRoles)[number];

/** Of the next frame behind a text frame that concerns a flow; a byte frame of a flow counts one [G-15]. */
const position = z.optional(count);

const gatewayFrame = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    version: z.string(),
    /** Since 1970, when the gateway's monotonic clock read 0. */
    timeOrigin: milliseconds,
    /** The services that a page may name; `wirebook` first where there is one. */
    targets: z.array(target).check(z.maxLength(targetsMax)),
    /** The services of lessons, without an address: none where there are no lessons, or the page may not use targets [G-17]. */
    lessons: z.array(target).check(z.maxLength(targetsMax)),
    /** Streams of this WebSocket at once, and connections of the gateway to its targets. */
    streamsMax: count,
    connectionsMax: count,
    /** The gateway's number for this WebSocket: with a stream's id it finds the stream in the gateway's log. */
    socket: count,
    /** Who has authenticated; `null` where the gateway asks for no authentication. */
    user: z.nullable(z.string()),
    role: z.enum(gatewayRoles),
    listening: z.array(listening).check(z.maxLength(listeningMax)),
    mayWatch: z.boolean(),
  }),
  z.strictObject({ type: z.literal("clock"), at: milliseconds, gatewayAt: milliseconds }),
  z.strictObject({ type: z.literal("open"), id, local, remote, tls, at }),
  z.extend(ending, { type: z.literal("end"), id: streamOrFlowId, position, at: stepTimes, ...totals }),
  z.extend(failure, {
    type: z.literal("error"),
    /** The stream that failed; `null` when a frame began none, or the stream goes on. */
    id: z.nullable(streamOrFlowId),
    position,
    at: stepTimes,
    /** Absent when nothing was begun. */
    ...z.partial(z.object(totals)).shape,
    /** Milliseconds to wait before the same is tried again, where trying again helps [G-10]. */
    retryAfterMs: z.optional(count),
  }),
  z.strictObject({
    type: z.literal("watching"),
    /** Positions and flow ids count within it; another epoch is another store. */
    epoch: z.string(),
    position: count,
    /** The flows that are kept; each other one is forgotten, and if it was not over, its end is not known. */
    flows: z.array(flowId).check(z.maxLength(flowsKeptMax)),
  }),
  z.extend(flowHead, {
    type: z.literal("flow"),
    id: flowId,
    position,
    /** True when the page has a head of it already; else the gateway has forgotten the flow, and so may the page. */
    isChange: z.optional(z.boolean()),
  }),
  /** Frames are missing: so many bytes of each direction came before the next one of this flow. */
  z.strictObject({ type: z.literal("gap"), id: flowId, position, ...totals }),
  z.strictObject({ type: z.literal("listening"), listening: z.array(listening).check(z.maxLength(listeningMax)) }),
  /** The token is for the link; the key is the presenter's own. */
  z.strictObject({ type: z.literal("presenting"), token, key: token, viewers: count }),
  z.strictObject({ type: z.literal("presented-end") }),
  z.strictObject({ type: z.literal("selected"), id: z.nullable(flowId), isAway: z.optional(z.literal(true)) }),
]);
export type GatewayFrame = z.infer<typeof gatewayFrame>;

/** A text frame, or the sentence that says what is wrong with it. */
type Decoded<Frame> = { readonly frame: Frame } | { readonly problem: string };

export const decodePageFrame = (text: string): Decoded<PageFrame> => decode(pageFrame, text);
export const decodeGatewayFrame = (text: string): Decoded<GatewayFrame> => decode(gatewayFrame, text);

/** The fields that have a value: a frame and a record have no others. */
export function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

export function encodeFrame(frame: PageFrame | GatewayFrame): string {
  return JSON.stringify(frame);
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
  return { problem: `${where} is not as docs/reference/gateway-frames.md has it (${issue?.code ?? "unknown"})` };
}
