/** Rows drawn on both sides of those that are seen, so that scrolling shows no empty edge. */
const spare = 8;

/** Which rows of a list are drawn, from one up to, but not including, another; all are of one height. */
export function windowOf(scrollTop: number, height: number, rowHeight: number, count: number) {
  const from = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight)) - spare);
  const to = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare);
  return { from, to: Math.max(from, to) };
}

/** Whether a box stays at its end as it grows. Only scrolling up ends that, and no change of size. */
export class StickToBottom {
  isOn = true;
  #lastTop = 0;

  /** The box was scrolled; tells whether it stays. @param near pixels from the end that count as being there */
  note(box: Pick<Element, "scrollTop" | "clientHeight" | "scrollHeight">, near: number): boolean {
    const { scrollTop, clientHeight, scrollHeight } = box;
    if (scrollHeight - scrollTop - clientHeight < near) this.isOn = true;
    else if (scrollTop < this.#lastTop) this.isOn = false;
    this.#lastTop = scrollTop;
    return this.isOn;
  }
}
