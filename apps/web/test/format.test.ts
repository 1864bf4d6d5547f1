import { expect, test } from "vitest";
import { bytes, clockTime, count, dateTime, dayOf, duration, plural, zoneName } from "../src/ui/format.ts";

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
  const [minute, hour] = [60_000, 3_600_000];
  const times = [0.416, 12.34, 1250, 125_000, 2 * minute - 300, 3 * hour + 12 * minute, 51 * hour];
  expect(times.map(duration)).toEqual([
    "0.42 ms",
    "12.3 ms",
    "1.25 s",
    "2 min 5 s",
    "2 min 0 s",
    "3 h 12 min",
    "2 d 3 h",
  ]);
});

test("nouns follow their number", () => {
  expect([plural(1, "read"), plural(1234, "read"), count(1_000_000)]).toEqual(["1 read", "1,234 reads", "1,000,000"]);
});

test("times for people stand in the chosen zone and say which", () => {
  const date = new Date("2026-11-27T23:31:05.123Z");
  expect([
    clockTime(date, "utc"),
    clockTime(date, "utc", 3),
    dateTime(date, "utc"),
    dayOf(date, "utc"),
    zoneName("utc", date),
  ]).toEqual(["23:31:05", "23:31:05.123", "2026-11-27 23:31:05 UTC", "Friday, 27 November 2026 (UTC)", "UTC"]);
  const local = `${date.getHours()}:${date.getMinutes()}:${date.getSeconds()}`.replaceAll(/\b\d\b/gu, "0$&");
  expect(clockTime(date, "local")).toBe(local);
  expect(dateTime(date, "local").endsWith(` ${zoneName("local", date)}`)).toBe(true);
});

test("midnight is 00:00:00", () => {
  expect(clockTime(new Date("2026-11-27T00:00:00Z"), "utc")).toBe("00:00:00");
});
