import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { heightMax, ScrollPlace } from "../src/ui/scroll-map.ts";

const rowHeight = 28;
const million = 1_000_000 * rowHeight;

function open(height: number): ScrollPlace {
  const place = new ScrollPlace();
  place.resize(height, 600);
  place.settle();
  return place;
}

describe("the scrollbar of a list", () => {
  test("is that of the list itself up to the height that a browser lays out", () => {
    const place = open(heightMax);
    place.go(7_654_321, true);
    place.settle();
    expect([place.nativeHeight, place.native, place.drift]).toEqual([heightMax, 7_654_321, 0]);
  });

  test("is no longer than that, and leads to every part of a longer list", () => {
    const position = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 600, max: 200_000_000 }), position, position, (height, a, b) => {
        const place = open(height);
        const natives = [a, b]
          .toSorted((x, y) => x - y)
          .map((part) => {
            place.go(part * (height - 600), true);
            place.settle();
            expect(place.top).toBe(part * (height - 600));
            return place.native;
          });
        expect(natives[0]).toBeLessThanOrEqual(natives[1] as number);
        expect(natives[1]).toBeLessThanOrEqual(place.nativeHeight - 600);
        expect(place.nativeHeight).toBeLessThanOrEqual(heightMax);
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
