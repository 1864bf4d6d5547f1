/**
 * Which bytes belong together across message, frame, chunk and history.
 *
 * Each exchange has two streams of bytes on TCP: what was sent, and what was received. Everything else that shows some of
 * these bytes (the JSON of a frame, base64, a quoted line of the history) says by segments which of the stream's bytes
 * its own bytes stand for.
 */

/** Bytes of one of the two streams. */
export interface Span {
  readonly stream: "sent" | "received";
  readonly from: number;
  /** Not part of it any more. */
  readonly to: number;
}

/** Every `ownUnit` bytes from `from` on stand for `streamUnit` bytes of the stream from `at` on. */
export interface ByteRun {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly ownUnit: number;
  readonly streamUnit: number;
}

/** True when two spans share a byte. */
export function touches(one: Span | undefined, other: Span | undefined): boolean {
  if (one === undefined || other === undefined || one.stream !== other.stream) return false;
  return one.from < other.to && other.from < one.to;
}

/** The bytes of the stream for which the own byte at an offset stands. */
export function spanAt(segments: readonly ByteRun[], stream: Span["stream"], offset: number): Span | undefined {
  const segment = segments.find(({ from, to }) => offset >= from && offset < to);
  if (segment === undefined) return undefined;
  const from = segment.at + Math.floor((offset - segment.from) / segment.ownUnit) * segment.streamUnit;
  return { stream, from, to: from + segment.streamUnit };
}

/** Own bytes that are the stream's, one for one. */
export function sameBytes(from: number, bytes: number, at: number): ByteRun {
  return { from, to: from + bytes, at, ownUnit: 1, streamUnit: 1 };
}
