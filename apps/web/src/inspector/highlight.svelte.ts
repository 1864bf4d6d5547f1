import { touches } from "./byte-runs.ts";
import type { Span } from "./byte-runs.ts";

/** A part of what the wire shows: bytes of one of the two streams, arrows of the diagram, a frame. */
export interface Mark {
  readonly span?: Span | undefined;
  readonly arrows?: readonly string[] | undefined;
  readonly frame?: number | undefined;
  /** The note that is pointed at: it lights its arrows, and no other note that has the same arrows. */
  readonly note?: string | undefined;
}

/** What is lit in all parts of the wire at once: what is pointed at, or else what is selected. */
export class Highlight {
  #pointed = $state.raw<Mark>();
  #selected = $state.raw<Mark>();

  get mark(): Mark | undefined {
    return this.#pointed ?? this.#selected;
  }

  /** Something is pointed at; `undefined` when nothing is any more. */
  point(mark: Mark | undefined): void {
    this.#pointed = mark;
  }

  select(mark: Mark | undefined): void {
    this.#selected = mark;
  }

  /** True when a part shares bytes, an arrow or the frame with what is lit. */
  lights({ span, arrows, frame, note }: Mark): boolean {
    const { mark } = this;
    if (mark === undefined) return false;
    if (note !== undefined && mark.note !== undefined) return note === mark.note;
    if (touches(mark.span, span) || (frame !== undefined && mark.frame === frame)) return true;
    return arrows?.some((arrow) => mark.arrows?.includes(arrow)) ?? false;
  }

  /** True when all bytes of a span are lit: then nothing in it stands out, and it is lit less. */
  covers(span: Span | undefined): boolean {
    const lit = this.mark?.span;
    return lit !== undefined && lit.stream === span?.stream && lit.from <= span.from && lit.to >= span.to;
  }
}
