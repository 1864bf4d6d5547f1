/**
 * A list that is higher than a browser can lay out (Firefox: 17 million pixels), behind a scrollbar that spans all of it.
 * Beyond `heightMax` a pixel of the box stands for more than one of the list. Small moves are taken pixel for pixel, and
 * a jump goes where the scrollbar says; the box drifts away meanwhile, and is put right when the scrolling has come to rest.
 */

/** Pixels that the scrolling box is high at most. */
export const heightMax = 8_000_000;

/** A move of more than so many heights of the box is a jump. */
const jumpHeights = 2;

/** Where a box stands in its list, and whether it stays at the end as the list grows. */
export class ScrollPlace {
  /** Pixels of the list above the box. */
  top = 0;
  /** Only scrolling up ends it: a list that grew has moved its end away from the box. */
  isFollowing = true;
  nativeHeight = 0;
  /** The scroll position of the box, as far as it is known. */
  native = 0;
  #nativeMax = 0;
  #topMax = 0;

  get isAtEnd(): boolean {
    return this.top > this.#topMax - 1;
  }

  /** Where the rows stand in the scrolling box, for a row that begins at some height of the list. */
  offsetOf(height: number): number {
    return this.native + height - this.top;
  }

  resize(height: number, boxHeight: number): void {
    this.nativeHeight = Math.min(height, heightMax);
    this.#nativeMax = Math.max(0, this.nativeHeight - boxHeight);
    this.#topMax = Math.max(0, height - boxHeight);
    this.top = this.isFollowing ? this.#topMax : this.#within(this.top);
  }

  note(native: number, boxHeight: number): void {
    const moved = native - this.native;
    if (Math.abs(moved) < 1) return;
    this.native = native;
    const isJump = Math.abs(moved) > boxHeight * jumpHeights;
    const isAtEdge = native < 1 || native > this.#nativeMax - 1;
    this.go(isJump || isAtEdge ? native * this.#ratio : this.top + moved, moved < 0);
  }

  go(top: number, isUp: boolean): void {
    this.top = this.#within(top);
    if (this.isAtEnd) this.isFollowing = true;
    else if (isUp) this.isFollowing = false;
  }

  /** Takes the box to be where the scrollbar should be; the caller puts it there. */
  settle(): void {
    this.native = Math.round(this.top / this.#ratio);
  }

  /** How far the box has drifted away from there, in pixels. */
  get drift(): number {
    return Math.abs(this.native - Math.round(this.top / this.#ratio));
  }

  /** Pixels of the list for one of the box. */
  get #ratio(): number {
    return this.#nativeMax === 0 ? 1 : this.#topMax / this.#nativeMax;
  }

  #within(top: number): number {
    return Math.max(0, Math.min(top, this.#topMax));
  }
}
