/** What is said of a stream in frames, records, files and logs alike: its steps, ends, errors and facts, by their names. */

import * as z from "zod/mini";

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

/** Milliseconds of a clock that may count from any moment: a century either way, so that each is a date. */
export const timeMsMax = 100 * 366 * 86_400_000;
export const milliseconds = z.number().check(z.minimum(-timeMsMax), z.maximum(timeMsMax));

export const stepTimes = z.partialRecord(z.enum(steps), milliseconds);

/** Milliseconds of the gateway's monotonic clock at which each step happened; a step that has not happened is absent. */
export type StepTimes = z.infer<typeof stepTimes>;

/** One end of a TCP connection. */
export const endpoint = z.strictObject({
  address: z.string(),
  port: z.int().check(z.minimum(0), z.maximum(65_535)),
});
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

const certificate = z.strictObject({
  subject: z.string(),
  issuer: z.string(),
  /** ISO 8601. */
  validFrom: z.string(),
  validTo: z.string(),
});

/** What a TLS handshake came to. */
export const tlsFacts = z.strictObject({
  /** Such as `TLSv1.3`, and the cipher suite by its IANA name. */
  version: z.string(),
  cipher: z.string(),
  /** The application protocol that was agreed on (RFC 7301), if one was. */
  alpn: z.nullable(z.string()),
  peer: certificate,
});
export type TlsFacts = z.infer<typeof tlsFacts>;

/** How a target is reached. */
export const transports = ["tcp", "tls", "unix"] as const;
