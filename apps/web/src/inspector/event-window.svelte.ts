import { touches, type FrameList, type FrameSource } from "./frame-list.ts";
import type { Mark } from "./highlight.svelte.ts";

/** The part of a stream's frames that is drawn. It moves along with the newest, until someone goes back. */
export class EventWindow {
  readonly size: number;
  /** What it begins with; `undefined` while it follows the newest. */
  #first = $state.raw<FrameSource>();
  /** What it begins with while a frame has to be seen: what moves can be neither read nor pressed. */
  #held: FrameSource | undefined;

  constructor(size: number) {
    this.size = size;
  }

  get isFollowing(): boolean {
    return this.#first === undefined;
  }

  follow(): void {
    this.#first = undefined;
  }

  moveTo(list: FrameList, from: number): void {
    this.#first = list.at(Math.max(0, Math.min(from, list.length - this.size)))?.source;
  }

  /** Back or forth by half of what it shows; at the end it follows again. */
  step(list: FrameList, direction: -1 | 1): void {
    const from = this.places(list).from + direction * Math.ceil(this.size / 2);
    if (from + this.size >= list.length) this.follow();
    else this.moveTo(list, from);
  }

  /** What is drawn. @param mark has to be seen, if it is in one place */
  places(list: FrameList, mark?: Mark) {
    const wanted = mark && placeOf(list, mark);
    const newest = Math.max(0, list.length - this.size);
    this.#held = wanted === undefined ? undefined : (this.#held ?? list.at(newest)?.source);
    const source = this.#first ?? this.#held;
    const first = source === undefined ? newest : (list.placeOf(source) ?? 0);
    const isSeen = wanted === undefined || (wanted >= first && wanted < first + this.size);
    const from = Math.max(0, Math.min(isSeen ? first : wanted - Math.floor(this.size / 2), newest));
    return { from, to: Math.min(list.length, from + this.size) };
  }
}

/** Rows from the first on that are looked through for bytes and for reads and writes. */
const lookedThroughMax = 200;

/** The place of the row that a mark is about; `undefined` when it has none, or all of a kind. */
function placeOf(list: FrameList, { source, span, arrows = [] }: Mark): number | undefined {
  if (source !== undefined) return list.placeOf(source);
  const at = list.slice(0, lookedThroughMax).findIndex(({ event, span: bytes }) => {
    if (event?.kind !== "data") return false;
    return touches(span, bytes) || arrows.includes(`${event.isFromTarget ? "read" : "write"} ${event.number}`);
  });
  if (at >= 0) return at;
  if (arrows.some((id) => /^(request|connect|established|secured|open)$/u.test(id))) return 0;
  return arrows.some((id) => /^(fin|end|failed|reset|ended)$/u.test(id)) ? list.length - 1 : undefined;
}
