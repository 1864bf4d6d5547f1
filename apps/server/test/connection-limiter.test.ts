import { describe, expect, test } from "vitest";
import { ConnectionLimiter } from "../src/net/connection-limiter.ts";
import { limitsDefault } from "../src/limits.ts";

const admission = (connectionsMax: number, connectionsPerAddressMax: number): ConnectionLimiter =>
  new ConnectionLimiter({ ...limitsDefault, connectionsMax, connectionsPerAddressMax });

describe("admission", () => {
  test("has room up to its bound, and again when somebody has left", () => {
    const seats = admission(3, 3);
    expect([1, 2, 3, 4].map((n) => seats.acquire(`10.0.0.${n}`, false)?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      "connections-max",
    ]);
    seats.release("10.0.0.2");
    expect(seats.acquire("10.0.0.4", false)).toBeUndefined();
    expect(seats.acquire("10.0.0.5", false)?.code).toBe("connections-max");
  });

  test("has room for so many of one address, whatever the others do", () => {
    const seats = admission(100, 2);
    expect(["a", "a", "a", "b"].map((address) => seats.acquire(address, false)?.code)).toEqual([
      undefined,
      undefined,
      "address-max",
      undefined,
    ]);
    expect(["proxy", "proxy", "proxy"].map((address) => seats.acquire(address, true))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    seats.release("a");
    expect(seats.acquire("a", false)).toBeUndefined();
    expect(seats.acquire("a", false)?.code).toBe("address-max");
  });
});
