/** Bytes of one of the two directions of a stream. */
export interface Span {
  readonly stream: "sent" | "received";
  readonly from: number;
  readonly to: number;
}

export function touches(one: Span | undefined, other: Span | undefined): boolean {
  if (one === undefined || other === undefined || one.stream !== other.stream) return false;
  return one.from < other.to && other.from < one.to;
}
