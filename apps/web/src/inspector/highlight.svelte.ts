import type { Attachment } from "svelte/attachments";
import { touches } from "./span.ts";
import type { Span } from "./span.ts";
import type { FrameSource } from "./frame-list.ts";

/** A part of what the inspector shows: bytes of one of the two directions, arrows of the diagram, a frame, a note. */
export interface Mark {
  readonly span?: Span | undefined;
  readonly arrows?: readonly string[] | undefined;
  /** A name that all arrows of a kind share: what names the kind lights each of them, but none lights the others. */
  readonly kind?: string | undefined;
  /** The frame. */
  readonly source?: FrameSource | undefined;
  /** A note lights its arrows, and no other note that has the same arrows. */
  readonly note?: string | undefined;
  /** What it is called where it is said that it is pinned. */
  readonly name?: string;
}

/** What is lit in all parts of the page at once: what is pointed at or has the focus, or else what is pinned. */
export class Highlight {
  #pointed = $state.raw<Mark>();
  #pinned = $state.raw<Mark>();

  get mark(): Mark | undefined {
    return this.#pointed ?? this.#pinned;
  }

  get pinned(): Mark | undefined {
    return this.#pinned;
  }

  /** Something is pointed at; `undefined` when nothing is any more. */
  point(mark: Mark | undefined): void {
    this.#pointed = mark;
  }

  /** Stays lit until something else is pinned; `undefined` unpins. */
  pin(mark: Mark | undefined): void {
    this.#pinned = mark;
  }

  /** Pins, or unpins what is pinned already. */
  toggle(mark: Mark): void {
    this.#pinned = this.isPinned(mark) ? undefined : mark;
  }

  clear(): void {
    this.#pointed = this.#pinned = undefined;
  }

  isPinned(mark: Mark): boolean {
    const pinned = this.#pinned;
    if (pinned === undefined) return false;
    if (pinned.name !== mark.name || pinned.source !== mark.source) return false;
    return sameSpan(pinned.span, mark.span) && pinned.arrows?.join() === mark.arrows?.join();
  }

  /** True when a part shares bytes, an arrow or the frame with what is lit. */
  lights({ span, arrows = [], kind, source, note }: Mark): boolean {
    const { mark } = this;
    if (mark === undefined) return false;
    if (note !== undefined && mark.note !== undefined) return note === mark.note;
    if (touches(mark.span, span) || (source !== undefined && mark.source === source)) return true;
    const lit = mark.arrows ?? [];
    return (
      arrows.some((arrow) => lit.includes(arrow) || arrow === mark.kind) || (kind !== undefined && lit.includes(kind))
    );
  }

  /** True when all bytes of a span are lit: then nothing in it stands out, and it is lit less. */
  covers(span: Span | undefined): boolean {
    const lit = this.mark?.span;
    return lit !== undefined && lit.stream === span?.stream && lit.from <= span.from && lit.to >= span.to;
  }

  /**
   * For `{@attach}`: an element that stands for a mark. Pointing at it, and focus on it or in it, light the mark; a click,
   * Enter or Space pins it.
   *
   * @param markOf is asked when something happens, so a drawing that changes attaches nothing anew
   */
  listen(markOf: () => Mark | undefined, onPin: () => void = () => {}): Attachment<HTMLElement | SVGElement> {
    return (element) => {
      const point = () => this.point(markOf());
      const leave = () => this.point(undefined);
      const press = ({ target }: Event) => {
        // A link is followed, and text that was selected is for copying.
        if ((target as Element).closest("a") !== null || getSelection()?.isCollapsed === false) return;
        const mark = markOf();
        if (mark === undefined) return;
        this.toggle(mark);
        onPin();
      };
      const type = (event: KeyboardEvent) => {
        // A button inside clicks by itself.
        if (event.target !== element || element instanceof HTMLButtonElement) return;
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        press(event);
      };
      const pointing = { pointerenter: point, pointerleave: leave, focusin: point, focusout: leave };
      const listeners = Object.entries({ ...pointing, click: press, keydown: type as (event: Event) => void });
      for (const [name, listener] of listeners) element.addEventListener(name, listener);
      return () => {
        for (const [name, listener] of listeners) element.removeEventListener(name, listener);
      };
    };
  }
}

function sameSpan(one: Span | undefined, other: Span | undefined): boolean {
  return one?.stream === other?.stream && one?.from === other?.from && one?.to === other?.to;
}
