/**
 * A list that is higher than a browser can lay out, behind a scrollbar that spans all of it.
 *
 * Chromium lays out at most about 33 million pixels, Firefox 17. So the box that scrolls is as high as the list up to
 * `heightMax`, and beyond that its middle stands for more than its own height; near both ends a pixel is a
 * pixel. Small moves (a wheel, a finger, a page key) are always taken pixel for pixel, wherever they happen, and only a jump
 * (the scrollbar dragged or clicked) goes where the map says. So the box drifts away from the map while the user scrolls
 * in the middle, and is put right when the scrolling has come to rest.
 */

/** Pixels that the scrolling box is high at most. A float32 still tells whole pixels apart up to 16.7 million. */
export const heightMax = 8_000_000;

/** Pixels at both ends that stand for themselves. */
export const exactEdge = 1_000_000;

/** A move of more than so many heights of the box is a jump. */
const jumpHeights = 2;

/** Between a list of some height, seen through a box of some height, and the box's own scroll position. */
export class ScrollMap {
  /** Height of what scrolls inside the box. */
  readonly nativeHeight: number;
  readonly nativeMax: number;
  readonly topMax: number;

  constructor(height: number, boxHeight: number) {
    this.nativeHeight = Math.min(height, heightMax);
    this.nativeMax = Math.max(0, this.nativeHeight - boxHeight);
    this.topMax = Math.max(0, height - boxHeight);
  }

  /** The position in the list for a scroll position of the box. */
  toTop(native: number): number {
    if (native <= exactEdge || this.topMax === this.nativeMax) return native;
    if (native >= this.nativeMax - exactEdge) return this.topMax - (this.nativeMax - native);
    return exactEdge + (native - exactEdge) * this.#ratio;
  }

  toNative(top: number): number {
    if (top <= exactEdge || this.topMax === this.nativeMax) return top;
    if (top >= this.topMax - exactEdge) return this.nativeMax - (this.topMax - top);
    return exactEdge + (top - exactEdge) / this.#ratio;
  }

  get #ratio(): number {
    return (this.topMax - 2 * exactEdge) / (this.nativeMax - 2 * exactEdge);
  }
}

/** Where a box stands in its list, and whether it stays at the end as the list grows. */
export class ScrollPlace {
  /** Pixels of the list above the box. */
  top = 0;
  /** Only scrolling up ends it: a list that grew has moved its end away from the box. */
  isFollowing = true;
  #map = new ScrollMap(0, 0);
  #native = 0;

  get nativeHeight(): number {
    return this.#map.nativeHeight;
  }

  /** True when its last row is in view. */
  get isAtEnd(): boolean {
    return this.top > this.#map.topMax - 1;
  }

  /** The scroll position of the box, as far as it is known. */
  get native(): number {
    return this.#native;
  }

  /** Where the rows stand in the scrolling box, for a row that begins at some height of the list. */
  offsetOf(height: number): number {
    return this.#native + height - this.top;
  }

  resize(height: number, boxHeight: number): void {
    this.#map = new ScrollMap(height, boxHeight);
    this.top = this.isFollowing ? this.#map.topMax : Math.max(0, Math.min(this.top, this.#map.topMax));
  }

  note(native: number, boxHeight: number): void {
    const moved = native - this.#native;
    if (Math.abs(moved) < 1) return;
    this.#native = native;
    const isJump = Math.abs(moved) > boxHeight * jumpHeights;
    const isAtEdge = native < 1 || native > this.#map.nativeMax - 1;
    const top = isJump || isAtEdge ? this.#map.toTop(native) : this.top + moved;
    this.go(top, moved < 0);
  }

  /** Goes to a position of the list. */
  go(top: number, isUp: boolean): void {
    this.top = Math.max(0, Math.min(top, this.#map.topMax));
    if (this.isAtEnd) this.isFollowing = true;
    else if (isUp) this.isFollowing = false;
  }

  /** The native position that fits the place; the caller puts the box there. */
  settle(): number {
    this.#native = Math.round(this.#map.toNative(this.top));
    return this.#native;
  }

  /** How far the box has drifted away from the map, in pixels. */
  get drift(): number {
    return Math.abs(this.#native - this.#map.toNative(this.top));
  }
}
