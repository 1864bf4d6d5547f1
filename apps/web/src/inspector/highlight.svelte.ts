import type { Attachment } from "svelte/attachments";
import { on } from "svelte/events";
import { touches, type FrameSource, type Span } from "./frame-list.ts";

/** A part of what the inspector shows, lit where it shares bytes, an arrow or the frame with what is pointed at. */
export interface Mark {
  readonly span?: Span | undefined;
  /** Arrows of the diagram; `reads` and `writes` are all of their kind. */
  readonly arrows?: readonly string[] | undefined;
  readonly source?: FrameSource | undefined;
  readonly name?: string;
}

/** What is lit in all parts of the page at once. */
export class Highlight {
  pinned = $state.raw<Mark>();
  /** What is pointed at or has the focus. */
  pointed = $state.raw<Mark>();

  get mark(): Mark | undefined {
    return this.pointed ?? this.pinned;
  }

  toggle(mark: Mark): void {
    this.pinned = this.isPinned(mark) ? undefined : mark;
  }

  clear(): void {
    this.pointed = this.pinned = undefined;
  }

  isPinned(mark: Mark): boolean {
    return this.pinned !== undefined && keyOf(this.pinned) === keyOf(mark);
  }

  lights({ span, arrows = [], source }: Mark): boolean {
    const { mark } = this;
    if (mark === undefined) return false;
    if (touches(mark.span, span) || (source !== undefined && mark.source === source)) return true;
    return arrows.some((one) =>
      mark.arrows?.some((other) => one === other || one === kindOf(other) || kindOf(one) === other),
    );
  }

  /** For `{@attach}`: pointing at the element, and focus on it or in it, light the mark; a click, Enter or Space pins it. */
  listen(markOf: () => Mark): Attachment<HTMLElement | SVGElement> {
    return (element) => {
      const point = () => (this.pointed = markOf());
      const leave = () => (this.pointed = undefined);
      const press = ({ target }: Event) => {
        // A link is followed, and text that was selected is for copying.
        const isMeant = (target as Element).closest("a") === null && getSelection()?.isCollapsed !== false;
        if (isMeant) this.toggle(markOf());
      };
      const type = (event: KeyboardEvent) => {
        // A button clicks by itself.
        if (event.target !== element || element instanceof HTMLButtonElement || !/^( |Enter)$/u.test(event.key)) return;
        event.preventDefault();
        press(event);
      };
      const stops = [
        ...(["pointerenter", "focusin"] as const).map((name) => on(element, name, point)),
        ...(["pointerleave", "focusout"] as const).map((name) => on(element, name, leave)),
        on(element, "click", press),
        on(element as HTMLElement, "keydown", type),
      ];
      return () => stops.forEach((stop) => stop());
    };
  }
}

function keyOf({ name, span, arrows }: Mark): string {
  return JSON.stringify([name, span?.stream, span?.from, span?.to, arrows]);
}

/** `reads` for `read 3` and `bytes 3`, `writes` for `write 3`. */
function kindOf(arrow: string): string | undefined {
  const [, word] = /^(read|bytes|write) \d/u.exec(arrow) ?? [];
  return word && (word === "write" ? "writes" : "reads");
}
