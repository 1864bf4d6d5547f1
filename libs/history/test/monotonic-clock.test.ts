import { decodeTime, encodeTime } from "@wirebook/protocol";
import { expect, test } from "vitest";
import { createMicrosecondClock, lastTimeIn, MonotonicClock } from "../src/file/monotonic-clock.ts";

/** The times that come out when the clock shows these. */
function stamp(clock: readonly number[], last = 0): (number | undefined)[] {
  const readings = [...clock];
  const stamper = new MonotonicClock(() => readings.shift() as number, last);
  return clock.map(() => decodeTime(stamper.next()));
}

test("gives the time of the clock", () => {
  expect(stamp([1_000_000, 2_000_000])).toEqual([1_000_000, 2_000_000]);
});

test("adds a microsecond when the clock stands still or steps back", () => {
  expect(stamp([5000, 5000, 4000, 0, 5003, 5004])).toEqual([5000, 5001, 5002, 5003, 5004, 5005]);
});

test("goes on after the last time in the file, even when the clock was set back over a restart", () => {
  const future = Date.UTC(2038, 0, 20) * 1000;
  expect(stamp([0, future - 1, future + 7], future)).toEqual([future + 1, future + 2, future + 7]);
});

test("counts no time from the year 2200 on, of a clock or of a line: their microseconds are not exact", () => {
  const wrong = Date.UTC(2300, 0) * 1000;
  expect(stamp([5000, wrong, wrong, 6000])).toEqual([5000, 5001, 5002, 6000]);
  const own = encodeTime(5000);
  for (const time of ["2200-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"]) {
    const lines = `${own} 127.0.0.1 "brick"\n${time} 127.0.0.1 "brick"\n`;
    expect(lastTimeIn(Buffer.from(lines))).toBe(5000);
  }
});

test("has a clock of whole microseconds that agrees with the system's to 5 ms", () => {
  const clock = createMicrosecondClock();
  for (let reading = 0; reading < 1000; reading++) {
    const before = Date.now();
    const microseconds = clock();
    const after = Date.now();
    expect(Number.isInteger(microseconds)).toBe(true);
    expect(microseconds / 1000).toBeGreaterThan(before - 5);
    expect(microseconds / 1000).toBeLessThan(after + 5);
  }
});
