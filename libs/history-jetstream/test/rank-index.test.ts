import fc from "fast-check";
import { expect, test } from "vitest";
import { RankIndex } from "../src/rank-index.ts";

test("agrees with a plain list of sequences, whatever is added and removed", () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ verb: fc.constant("append" as const), gap: fc.constantFrom(0, 0, 0, 1, 7, 5000) }),
    },
    { weight: 2, arbitrary: fc.record({ verb: fc.constant("fill" as const), count: fc.nat(9000) }) },
    {
      weight: 4,
      arbitrary: fc.record({ verb: fc.constant("remove" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ verb: fc.constant("before" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    },
  );
  fc.assert(
    fc.property(fc.nat(10_000), fc.array(step, { maxLength: 40 }), (first, steps) => {
      const index = new RankIndex(first + 1);
      let list: number[] = [];
      let end = first + 1;
      for (const each of steps) {
        if (each.verb === "append") {
          index.append(end + each.gap);
          list.push(end + each.gap);
          end += each.gap + 1;
        } else if (each.verb === "fill" && each.count > 0) {
          for (let at = end; at < end + each.count; at++) {
            index.append(at);
            list.push(at);
          }
          end += each.count;
        } else if (each.verb === "remove") {
          const victim = list[Math.floor(each.share * list.length)] ?? end + 3;
          expect(index.remove(victim)).toBe(list.includes(victim));
          list = list.filter((other) => other !== victim);
        } else if (each.verb === "before") {
          const limit = first + 1 + Math.floor(each.share * (end - first));
          index.removeBefore(limit);
          list = list.filter((other) => other >= limit);
          end = Math.max(end, limit);
        }
        expect(index.lines).toBe(list.length);
        expect(index.end).toBe(end);
      }
      for (let at = 0; at < list.length; at += Math.ceil(list.length / 50)) {
        const sequence = list[at] as number;
        expect(index.has(sequence)).toBe(true);
        expect(index.sequenceOf(at + 1)).toBe(sequence);
      }
      expect(index.sequenceOf(0)).toBeUndefined();
      expect(index.sequenceOf(list.length + 1)).toBeUndefined();
    }),
    { numRuns: 200 },
  );
});

test("takes over what a stream tells of itself", () => {
  const index = new RankIndex(3, 9, [4, 7]);
  expect(index.lines).toBe(4);
  expect([0, 1, 2, 3, 4, 5].map((rank) => index.sequenceOf(rank))).toEqual([undefined, 3, 5, 6, 8, undefined]);
});

test("refuses a sequence that is not behind the others", () => {
  const index = new RankIndex();
  index.append(5);
  expect(() => index.append(5)).toThrow(RangeError);
});
