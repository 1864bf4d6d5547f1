import dns from "node:dns";
import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { tcpTarget } from "../src/index.ts";
import { openDeafPeer, openPeer } from "./peers.ts";
import { converse, run } from "./runs.ts";

/** Lets every name have these addresses, in this order, until it is disposed of. */
function resolveTo(...addresses: readonly string[]): Disposable {
  const all: LookupAddress[] = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  const lookup = vi.spyOn(dns, "lookup").mockImplementation(((_: string, __: object, callback: Resolved) => {
    process.nextTick(callback, null, all);
  }) as unknown as typeof dns.lookup);
  return { [Symbol.dispose]: () => lookup.mockRestore() };
}

type Resolved = (error: null, addresses: readonly LookupAddress[]) => void;

/** The kernel's TCP sockets that are connected, or connecting, to a port of IPv4: state 01 established, 02 SYN sent. */
async function socketsTo(port: number): Promise<{ readonly state: string | undefined; readonly timer: string }[]> {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = (await readFile("/proc/net/tcp", "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
  return lines
    .filter(([, , remote, state]) => remote?.endsWith(hex) && (state === "01" || state === "02"))
    .map(([, , , state, , timer]) => ({ state, timer: String(timer).slice(0, 2) }));
}

describe("a name with several addresses", () => {
  test("is reached by the next one when the first refuses", async () => {
    await using peer = await openPeer((socket) => socket.once("data", () => socket.end("here")));
    using _ = resolveTo("::1", "127.0.0.1");
    const { record, texts, ending } = run(tcpTarget("x", { host: "both.example", port: peer.port }));
    expect(await ending).toBe("fin");
    expect(texts).toEqual(["here"]);
    expect(record.remote).toEqual({ address: "127.0.0.1", port: peer.port });
  });

  test("is reached by the next one when the first never answers", async () => {
    await using deaf = await openDeafPeer();
    // Linux queues one connection more than the backlog says, and then ignores every SYN.
    const fillers = [connect(deaf.port, "127.0.0.1"), connect(deaf.port, "127.0.0.1")];
    await Promise.all(fillers.map((socket) => once(socket, "connect")));
    await using server = createServer((socket) => socket.once("data", () => socket.end("here")));
    server.listen(deaf.port, "127.0.0.2");
    await once(server, "listening");
    using _ = resolveTo("127.0.0.1", "127.0.0.2");
    const target = tcpTarget("x", { host: "both.example", port: deaf.port });
    const { record, ending } = run(target, { connectTimeoutMs: 60_000 });
    expect(await ending).toBe("fin");
    expect(record.remote?.address).toBe("127.0.0.2");
    for (const socket of fillers) socket.destroy();
  });

  test("is reached over a link that takes longer than Node's 250 ms, even when the other address refuses", async () => {
    using _ = resolveTo("127.0.0.1", "127.0.0.2");
    // On a busy machine the server may wake too late for the SYN that the kernel repeats: that says nothing.
    let reached: string | undefined;
    do reached = await reachSlowly();
    while (reached === "too late");
    expect(reached).toBe("127.0.0.1");
  });
});

/** Connects to a server that wakes behind the first SYN. The kernel sends the next one a second after that. */
async function reachSlowly(): Promise<string | undefined> {
  await using slow = await openDeafPeer();
  const fillers = [connect(slow.port, "127.0.0.1"), connect(slow.port, "127.0.0.1")];
  await Promise.all(fillers.map((socket) => once(socket, "connect")));
  const opened = Promise.withResolvers<void>();
  const { connection, record, ending } = converse(
    tcpTarget("x", { host: "slow.example", port: slow.port }),
    { connectTimeoutMs: 60_000 },
    { onOpen: () => opened.resolve() },
  );
  const isSynSent = async (): Promise<boolean> => (await socketsTo(slow.port)).some(({ state }) => state === "02");
  while (!(await isSynSent())) await turn();
  await slow.wake();
  const isLate = performance.now() - (record.at.connecting ?? 0) > 900;
  await Promise.race([opened.promise, ending]);
  connection.cancel();
  await ending;
  for (const socket of fillers) socket.destroy();
  return record.at.established === undefined && isLate ? "too late" : record.remote?.address;
}

test("an IP address is not looked up", async () => {
  await using peer = await openPeer((socket) => socket.end());
  const lookup = vi.spyOn(dns, "lookup");
  expect(await run(peer.target).ending).toBe("fin");
  expect(lookup).not.toHaveBeenCalled();
  lookup.mockRestore();
});

test("a name that is not known fails so, and one that is never answered in time", async () => {
  expect(await run(tcpTarget("x", { host: "nowhere.invalid", port: 1 })).ending).toMatchObject({
    code: "connect-failed",
  });
  const lookup = vi.spyOn(dns, "lookup").mockImplementation(() => {});
  const { ending } = run(tcpTarget("x", { host: "silent.example", port: 1 }), { connectTimeoutMs: 50 });
  expect(await ending).toMatchObject({ code: "connect-timeout" });
  lookup.mockRestore();
});

test.each([
  ["an exchange", 15_000, "00"],
  ["a reply that may fall silent", Infinity, "02"],
  ["a conversation", undefined, "02"],
])("the kernel probes a target only where it may be silent: %s", async (_, replyTimeoutMs, timer) => {
  await using peer = await openPeer((socket) => socket.resume());
  const opened = Promise.withResolvers<void>();
  const { connection, ending } = converse(peer.target, { replyTimeoutMs }, { onOpen: () => opened.resolve() });
  await opened.promise;
  expect(await socketsTo(peer.port)).toEqual([{ state: "01", timer }]);
  connection.cancel();
  await ending;
});
