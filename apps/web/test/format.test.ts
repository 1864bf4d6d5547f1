import { expect, test } from "vitest";
import { bytes, count, duration, plural } from "../src/ui/format.ts";

test("sizes keep three digits and their unit", () => {
  expect([bytes(0), bytes(1), bytes(999), bytes(1000), bytes(12_345), bytes(10_500_000)]).toEqual([
    "0 bytes",
    "1 byte",
    "999 bytes",
    "1.00 kB",
    "12.3 kB",
    "10.5 MB",
  ]);
});

test("durations have the digits that matter", () => {
  expect([duration(0.416), duration(12.34), duration(1250), duration(125_000)]).toEqual([
    "0.42 ms",
    "12.3 ms",
    "1.25 s",
    "2 min 5 s",
  ]);
});

test("nouns follow their number", () => {
  expect([plural(1, "read"), plural(1234, "read"), count(1_000_000)]).toEqual(["1 read", "1,234 reads", "1,000,000"]);
});
