import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exactEdge, heightMax, ScrollMap, ScrollPlace } from "../src/ui/scroll-map.ts";

const rowHeight = 28;
const million = 1_000_000 * rowHeight;

function open(height: number): ScrollPlace {
  const place = new ScrollPlace();
  place.resize(height, 600);
  place.settle();
  return place;
}

describe("the map of a list", () => {
  test("is the list itself up to the height that a browser lays out", () => {
    const map = new ScrollMap(heightMax, 600);
    expect([map.nativeHeight, map.toTop(7_654_321), map.toNative(7_654_321)]).toEqual([
      heightMax,
      7_654_321,
      7_654_321,
    ]);
  });

  test("is no higher than that, and has both ends where they are", () => {
    const map = new ScrollMap(million, 600);
    expect(map.nativeHeight).toBe(heightMax);
    expect([map.toTop(0), map.toTop(map.nativeMax)]).toEqual([0, million - 600]);
    expect(map.toTop(exactEdge)).toBe(exactEdge);
    expect(map.toTop(map.nativeMax - exactEdge)).toBe(map.topMax - exactEdge);
  });

  test("leads there and back, and never goes down when the box goes up", () => {
    const position = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000_000 }), position, position, (height, a, b) => {
        const map = new ScrollMap(height, 600);
        const [low = 0, high = 0] = [a * map.topMax, b * map.topMax].toSorted((x, y) => x - y);
        expect(map.toTop(map.toNative(low))).toBeCloseTo(low, 3);
        expect(map.toNative(low)).toBeLessThanOrEqual(map.toNative(high));
        expect(map.toNative(high)).toBeLessThanOrEqual(map.nativeMax);
      }),
    );
  });
});

describe("the place of a box in a list", () => {
  test("stays at the end as the list grows", () => {
    const place = open(million);
    place.resize(million + 28_000, 600);
    expect(place.top).toBe(million + 28_000 - 600);
  });

  test("leaves the end when somebody goes up, and stays where it is", () => {
    const place = open(million);
    place.note(place.native - 100, 600);
    expect([place.isFollowing, place.top]).toEqual([false, million - 700]);
    place.resize(million + 28_000, 600);
    expect(place.top).toBe(million - 700);
    expect(place.drift).toBeGreaterThan(0);
    place.settle();
    expect([place.drift, place.top]).toEqual([0, million - 700]);
  });

  test("moves pixel for pixel with a wheel in the middle, and jumps with the scrollbar", () => {
    const place = open(million);
    place.note(heightMax / 2, 600);
    const { top } = place;
    expect(top).toBeCloseTo(million / 2, -4);
    place.note(heightMax / 2 + 120, 600);
    expect(place.top).toBe(top + 120);
    // What stands in the box moves with it, so that nothing jumps.
    expect(place.offsetOf(top)).toBe(heightMax / 2);
    place.note(heightMax / 2 + 120_000, 600);
    expect(place.top - top).toBeGreaterThan(400_000);
  });

  test("reaches both ends however far the box has drifted", () => {
    const place = open(million);
    place.note(heightMax / 2, 600);
    for (let native = heightMax / 2; native > 0; native -= 1000) place.note(native, 600);
    place.note(0, 600);
    expect(place.top).toBe(0);
    place.note(heightMax - 600, 600);
    expect([place.top, place.isFollowing]).toEqual([million - 600, true]);
  });

  test("keeps to a row that moved while somebody scrolls, where a pixel is a pixel too", () => {
    const place = open(28_000);
    place.note(14_000, 600);
    place.go(place.top - 28, true);
    place.note(14_005, 600);
    expect(place.top).toBe(14_000 - 28 + 5);
  });

  test("stays within a list that became shorter", () => {
    const place = open(million);
    place.note(place.native - 5000, 600);
    place.resize(280, 600);
    expect(place.top).toBe(0);
  });
});
