/** Which rows of a long list are drawn. */
export interface RowWindow {
  readonly from: number;
  /** Not drawn any more. */
  readonly to: number;
}

/** Rows of a fixed height that are seen, and `spare` more on both sides so that scrolling shows no empty edge. */
export function windowOf(
  scrollTop: number,
  height: number,
  rowHeight: number,
  count: number,
  spare: number,
): RowWindow {
  const from = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight)) - spare);
  const to = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare);
  return { from, to: Math.max(from, to) };
}

/** True when the end is seen, give or take a row: then new rows keep being followed. */
export function isAtEnd(scrollTop: number, height: number, scrollHeight: number, rowHeight: number): boolean {
  return scrollHeight - scrollTop - height < rowHeight;
}

/**
 * Whether a box stays at its end as it grows. Only scrolling up ends that: a box that grew, or became smaller, is no
 * longer at its end either, but the user did not leave it.
 */
export class StickToBottom {
  isOn = true;
  #lastTop = 0;

  /** The box was scrolled, by the user or by a change of size. */
  note({ scrollTop, clientHeight, scrollHeight }: Scrollable, rowHeight: number): void {
    if (isAtEnd(scrollTop, clientHeight, scrollHeight, rowHeight)) this.isOn = true;
    else if (scrollTop < this.#lastTop) this.isOn = false;
    this.#lastTop = scrollTop;
  }
}

export type Scrollable = Pick<Element, "scrollTop" | "clientHeight" | "scrollHeight">;
