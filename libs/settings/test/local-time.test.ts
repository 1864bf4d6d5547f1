import { afterEach, expect, test } from "vitest";
import { localTime } from "@wirebook/settings";

const { TZ } = process.env;
afterEach(() => {
  if (TZ === undefined) delete process.env.TZ;
  else process.env.TZ = TZ;
});

test.each([
  ["UTC", "2026-11-28T18:38:12.824Z"],
  ["Europe/Berlin", "2026-11-28T19:38:12.824+01:00"],
  ["America/St_Johns", "2026-11-28T15:08:12.824-03:30"],
  ["Asia/Kathmandu", "2026-11-29T00:23:12.824+05:45"],
])("in %s a time has its offset", (zone, text) => {
  process.env.TZ = zone;
  expect(localTime("2026-11-28T18:38:12.824Z")).toBe(text);
  expect(Date.parse(text)).toBe(Date.parse("2026-11-28T18:38:12.824Z"));
});

test("what is no time stays as it is", () => {
  expect(localTime("")).toBe("");
});

test("the offset is that of the time, not of today", () => {
  process.env.TZ = "Europe/Berlin";
  expect(localTime("2026-07-01T12:00:00.000Z")).toBe("2026-07-01T14:00:00.000+02:00");
});
