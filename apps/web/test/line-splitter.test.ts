import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeText } from "@wirebook/protocol";
import { LineSplitter } from "../src/history/replica/line-splitter.ts";

test("any cut of the same bytes gives the same lines", () => {
  const texts = fc.array(
    fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => !text.includes("\n")),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(texts, fc.array(fc.nat(), { maxLength: 12 }), (lines, cuts) => {
      const bytes = encodeText(lines.map((line) => `${line}\n`).join(""));
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
      const splitter = new LineSplitter();
      const found = places.slice(1).flatMap((place, at) => splitter.push(bytes.subarray(places[at], place)));
      expect([...found, ...splitter.finish()]).toEqual(lines);
    }),
  );
});

test("a last line without a line feed comes when the stream ends", () => {
  const splitter = new LineSplitter();
  expect(splitter.push(encodeText("one\ntwo"))).toEqual(["one"]);
  expect(splitter.finish()).toEqual(["two"]);
  expect(splitter.finish()).toEqual([]);
});

test("a line at the bound is whole, and one past it is cut and says so, in however many chunks it comes", () => {
  const splitter = new LineSplitter(4);
  expect(splitter.push(encodeText("four\nfive5\n漢漢"))).toEqual(["four", "five… (cut)"]);
  for (let times = 0; times < 10; times++) expect(splitter.push(encodeText("漢漢"))).toEqual([]);
  expect(splitter.push(encodeText("x\ny\n"))).toEqual(["漢漢漢漢… (cut)", "y"]);
});

test("what is held does not change when the chunk's memory is used again", () => {
  const splitter = new LineSplitter();
  const chunk = encodeText("half");
  splitter.push(chunk);
  chunk.fill(0x78);
  expect(splitter.push(encodeText("\n"))).toEqual(["half"]);
});
