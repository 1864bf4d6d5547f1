import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeProxyHeader } from "@wirebook/net";
import { decodeEntry } from "@wirebook/protocol";
import { Peer, ask } from "./tcp-peer.ts";
import { header, openRig } from "./server-fixture.ts";
import type { Rig } from "./server-fixture.ts";

const from = (address: string): Uint8Array =>
  encodeProxyHeader({ source: { address, port: 56_324 }, destination: { address, port: 443 } });

const behind = (proxyHeader: Uint8Array, message: string): Buffer => Buffer.concat([proxyHeader, Buffer.from(message)]);

/** Who asked what, line by line. */
async function askers(rig: Rig): Promise<string[]> {
  const entries = (await rig.lines()).map(decodeEntry);
  return entries.flatMap((entry) => (entry.kind === "request" ? [`${entry.address} ${entry.message}`] : []));
}

const refusal = /^Error: a connection from 127\.0\.0\.1 must begin with a PROXY header .*--proxy-protocol.*\n$/;

describe("a trusted proxy", () => {
  test("says for whom it connects, and that address stands in the history and on the terminal", async () => {
    await using rig = await openRig({}, { trustedProxies: ["192.0.2.9", "127.0.0.1"] });
    expect(await ask(rig.port, behind(from("198.51.100.7"), "brick\n"))).toBe(header);
    expect(await ask(rig.port, behind(from("2001:db8::7"), "brick\n"))).toBe(header);
    expect(await askers(rig)).toEqual(["198.51.100.7 brick", "2001:db8::7 brick"]);
    expect(rig.shown).toMatchObject([{ address: "198.51.100.7" }, { address: "2001:db8::7" }]);
  });

  test("is understood however its header and the message are cut", async () => {
    await using rig = await openRig({}, { trustedProxies: ["127.0.0.1"] });
    const bytes = behind(from("198.51.100.7"), "brick 2 -1\n");
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 4 }),
        async (cuts) => {
          const peer = await Peer.connect(rig.port);
          const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
          for (const [at, edge] of edges.slice(1).entries()) {
            await peer.write(bytes.subarray(edges[at], edge));
            // In an event of the loop of its own, so that most cuts arrive as they were made.
            await new Promise((resolve) => setImmediate(resolve));
          }
          expect((await peer.outcome).text).toMatch(/198\.51\.100\.7 "brick 2 -1"\n$/);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("speaks for itself with LOCAL, and leaves no line when it only looks", async () => {
    await using rig = await openRig({}, { trustedProxies: ["127.0.0.1"] });
    const probe = await Peer.connect(rig.port);
    await probe.write(encodeProxyHeader());
    await probe.end();
    await probe.outcome;
    expect(await rig.lines()).toEqual([]);
    await ask(rig.port, behind(encodeProxyHeader(), "brick\n"));
    expect(await askers(rig)).toEqual(["127.0.0.1 brick"]);
  });

  test.each([
    ["without a header", Buffer.from("brick 3\n")],
    ["with a header of version 1", Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\nbrick 3\n")],
    ["with a header of an unknown command", behind(from("198.51.100.7"), "").fill(0x22, 12, 13)],
  ])("is refused %s, before a message is read", async (_name, bytes) => {
    await using rig = await openRig({}, { trustedProxies: ["127.0.0.1"] });
    const reply = await ask(rig.port, bytes);
    expect(reply.slice(header.length)).toMatch(refusal);
    expect(await rig.lines()).toEqual([]);
    expect(rig.shown).toEqual([{ event: "refused", address: "127.0.0.1", code: "proxy-header" }]);
  });

  test("is refused when it ends in the middle of its header", async () => {
    await using rig = await openRig({}, { trustedProxies: ["127.0.0.1"] });
    const cut = await Peer.connect(rig.port);
    await cut.write(from("198.51.100.7").subarray(0, 20));
    await cut.end();
    expect((await cut.outcome).text.slice(header.length)).toMatch(refusal);
    expect(await rig.lines()).toEqual([]);
  });

  test("has the time of a message for its header", async () => {
    await using rig = await openRig({ messageDeadlineMs: 100 }, { trustedProxies: ["127.0.0.1"] });
    const slow = await Peer.connect(rig.port);
    await slow.write(from("198.51.100.7").subarray(0, 20));
    expect((await slow.outcome).text).toContain("no whole message came within 100 ms");
    expect(await rig.lines()).toEqual([]);
  });
});

describe("anybody else", () => {
  test("cannot claim to be another", async () => {
    await using rig = await openRig({}, { trustedProxies: ["192.0.2.9"] });
    expect(await ask(rig.port, behind(from("198.51.100.7"), "brick 3\n"))).toContain("Error: ");
    expect(await ask(rig.port, "brick\n")).toBe(header);
    for (const line of await askers(rig)) expect(line).toMatch(/^127\.0\.0\.1 /);
    expect(await rig.lines()).toHaveLength(2);
  });
});
