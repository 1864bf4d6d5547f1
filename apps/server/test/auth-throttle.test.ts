import { describe, expect, test } from "vitest";
import { authenticationError } from "@wirebook/protocol";
import { limitsDefault } from "../src/limits.ts";
import { AuthThrottle, delayMs } from "../src/auth/auth-throttle.ts";
import { Peer, ask } from "./tcp-peer.ts";
import { header, openRig } from "./server-fixture.ts";

const never = new Promise<void>(() => {});
const quick = { ...limitsDefault, guessDelayMs: 1, guessDelayMsMax: 1 };
/** So slow that no test would outlast a delay. */
const slow = { guessDelayMs: 3_600_000, guessDelayMsMax: 3_600_000 };

describe("the answer to a wrong key", () => {
  test("waits twice as long with each one, up to the bound", () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 1000].map((wrong) => delayMs(wrong, limitsDefault));
    expect(delays).toEqual([125, 250, 500, 1000, 2000, 4000, 4000, 4000]);
  });

  test("waits by itself for each address", async () => {
    const throttle = new AuthThrottle({ ...quick, ...slow, guessesHeldEachMax: 1 });
    const held = [throttle.delay("192.0.2.1", never), throttle.delay("192.0.2.2", never)];
    await expect(throttle.delay("192.0.2.1", never)).rejects.toMatchObject({ code: "guesses-max" });
    throttle.end();
    await Promise.all(held);
  });

  test("is one of so many that are held for an address and in all", async () => {
    const throttle = new AuthThrottle({ ...quick, ...slow, guessesHeldEachMax: 2, guessesHeldMax: 3 });
    const held = ["a", "a", "b"].map((address) => throttle.delay(address, never));
    for (const address of ["a", "b", "c"]) {
      await expect(throttle.delay(address, never)).rejects.toMatchObject({ code: "guesses-max" });
    }
    throttle.end();
    await Promise.all(held);
    const again = throttle.delay("a", never);
    throttle.end();
    await again;
  });

  test("goes when the peer has gone", async () => {
    const throttle = new AuthThrottle({ ...quick, ...slow });
    await throttle.delay("a", Promise.resolve());
  });

  test("is remembered for so many addresses, and those that hold one stay", async () => {
    const throttle = new AuthThrottle({ ...quick, guessAddressesMax: 3 });
    for (const address of ["a", "b", "c"]) await throttle.delay(address, never);
    expect(throttle.addresses).toBe(3);
    for (const address of ["d", "e"]) await throttle.delay(address, never);
    expect(throttle.addresses).toBe(3);
  });
});

test("a right key is served at once while wrong ones from the same address wait", async () => {
  await using rig = await openRig({ ...slow, guessesHeldEachMax: 2 }, { mode: "registered" });
  const ada = await rig.register("ada", "member");
  const guessers = await Promise.all([1, 2].map(() => Peer.connect(rig.port)));
  for (const guesser of guessers) await guesser.write("ada~wrong 2\n");
  await expect.poll(() => rig.asked()).toHaveLength(2);
  expect(await ask(rig.port, `${ada}\n`)).toBe(header);
  expect(await ask(rig.port, "ada~wrong 2\n")).toMatch(/Error: 2 wrong keys from your address, .+\n$/);
  expect(await ask(rig.port, `${ada}\n`)).toBe(header);
  expect(guessers.map(({ text }) => text)).toEqual(["", ""]);
  await rig.server.stop();
  for (const guesser of guessers) expect(await guesser.outcome).toEqual({ text: authenticationError, isReset: false });
});

test("a name without a key is no guess, and is answered at once", async () => {
  await using rig = await openRig({ ...slow, guessesHeldEachMax: 0 }, { mode: "registered" });
  await rig.register("ada", "member");
  for (const message of ["ada 2\n", "ghost 2\n"]) expect(await ask(rig.port, message)).toBe(authenticationError);
});
