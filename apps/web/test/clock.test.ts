import { describe, expect, test } from "vitest";
import { GatewayClock, clockRoundsKept } from "../src/gateway/connection.svelte.ts";

describe("the clock of the gateway", () => {
  test("is put in the middle of a round trip, and its error is half of it", () => {
    expect(new GatewayClock().add(100, 5002, 104)).toEqual({ offsetMs: 4900, errorMs: 2 });
  });

  test("is read from the shortest round trip, whenever that was", () => {
    const clock = new GatewayClock();
    clock.add(0, 1005, 10);
    clock.add(20, 1021, 22);
    expect(clock.add(30, 1060, 90)).toEqual({ offsetMs: 1000, errorMs: 1 });
  });

  test("forgets a short round trip that is too long ago, since clocks drift", () => {
    const clock = new GatewayClock();
    clock.add(0, 1000, 0);
    for (let round = 1; round < clockRoundsKept; round++)
      clock.add(round * 100, 5000 + round * 100 + 5, round * 100 + 10);
    expect(clock.add(9000, 14_005, 9010).errorMs).toBe(5);
  });
});
