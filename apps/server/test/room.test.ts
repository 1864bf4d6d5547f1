import { describe, expect, test } from "vitest";
import { decodeEntry } from "@wirebook/protocol";
import { Peer, ask } from "./tcp-peer.ts";
import { header, openRig } from "./server-fixture.ts";

describe("many clients at once", () => {
  test("are all answered, and each leaves one line before its reply", async () => {
    await using rig = await openRig();
    const users = Array.from({ length: 200 }, (_, at) => `user${at}`);
    const replies = await Promise.all(users.map((user) => ask(rig.port, `${user} 2 -200\n`)));
    for (const [at, reply] of replies.entries()) expect(reply).toContain(`"${users[at]} 2 -200"\n`);
    expect((await rig.asked()).toSorted()).toEqual(users.map((user) => `${user} 2 -200`).toSorted());
  });

  test("that delete with TIME delete exactly the lines that they chose", async () => {
    await using rig = await openRig();
    const victims = Array.from({ length: 20 }, (_, at) => `victim${at}`);
    for (const victim of victims) await ask(rig.port, `${victim}\n`);
    const heads = (await rig.lines()).map((line) => line.split(" ")[0] as string);
    const chosen = [3, 3, 5, 7, 7, 7, 11, 13, 17, 19];
    const replies = await Promise.all(chosen.map((line) => ask(rig.port, `brick 1 ${line} ${heads[line - 1]}\n`)));
    const deleted = new Set(chosen.filter((_, at) => replies[at]?.includes("Deleted line")));
    const asked = await rig.asked();
    const left = victims.filter((victim) => asked.includes(victim));
    expect(left).toEqual(victims.filter((_, at) => !deleted.has(at + 1)));
    expect(deleted.has(3)).toBe(true); // No line above it was chosen, so one of the two who chose it must have succeeded.
    expect(replies.filter((reply) => reply.includes("Deleted line"))).toHaveLength(deleted.size);
    const outcomes = (await rig.lines()).map(decodeEntry).filter((entry) => entry.kind === "result");
    expect(outcomes).toHaveLength(deleted.size);
  });
});

describe("one connection too many", () => {
  const refusal = `${header}Error: 3 connections are open, which is the limit; try again in a moment\n`;

  test("is told so at once, leaves no line, is shown to the operator, and is welcome when another has gone", async () => {
    await using rig = await openRig({ connectionsMax: 3 });
    const held = await Promise.all([1, 2, 3].map(() => Peer.connect(rig.port)));
    const [first] = held;
    const late = await Peer.connect(rig.port);
    expect(await late.outcome).toEqual({ text: refusal, isReset: false });
    expect(await rig.lines()).toEqual([]);
    expect(rig.shown).toEqual([{ event: "refused", address: "127.0.0.1", code: "connections-max" }]);

    await first?.write("brick\n");
    await first?.outcome;
    let reply = refusal;
    while (reply === refusal) reply = await ask(rig.port, "late\n");
    expect(reply).toBe(header);
    for (const peer of held) peer.reset();
  });

  test("is answered however many come at once", async () => {
    await using rig = await openRig({ connectionsMax: 3, refusalsMax: 2 });
    const held = await Promise.all([1, 2, 3].map(() => Peer.connect(rig.port)));
    const late = await Promise.all(Array.from({ length: 100 }, () => Peer.connect(rig.port)));
    for (const peer of late) expect((await peer.outcome).text).toBe(refusal);
    for (const peer of held) peer.reset();
  });

  test("is answered even when it sends without reading", async () => {
    await using rig = await openRig({ connectionsMax: 3 });
    const held = await Promise.all([1, 2, 3].map(() => Peer.connect(rig.port)));
    expect(await ask(rig.port, `brick 2\n${"surplus ".repeat(4096)}`)).toBe(refusal);
    expect(await rig.lines()).toEqual([]);
    for (const peer of held) peer.reset();
  });

  test("of one address is told so, while another address has room", async () => {
    await using rig = await openRig({ connectionsMax: 4, connectionsPerAddressMax: 2 });
    const held = await Promise.all([1, 2].map(() => Peer.connect(rig.port)));
    expect(await ask(rig.port, "late\n")).toBe(
      `${header}Error: 2 connections from 127.0.0.1 are open, which is the limit for one address; try again in a moment\n`,
    );
    const other = await Peer.connect(rig.port, true, "127.0.0.2");
    await other.write("other\n");
    expect((await other.outcome).text).toBe(header);
    for (const peer of held) peer.reset();
    await rig.server.stop();
    expect(await rig.asked()).toEqual(["other"]);
    expect(rig.shown).toContainEqual({ event: "refused", address: "127.0.0.1", code: "address-max" });
  });
});

describe("a server that stops", () => {
  test("finishes what it has accepted and tells those who have not ended their message", async () => {
    await using rig = await openRig({ messageSilenceMs: 20_000, drainMessageMs: 50, drainMs: 20_000 });
    const silent = await Peer.connect(rig.port);
    const started = await Peer.connect(rig.port);
    await started.write("brick 2");
    const accepted = await Promise.all(Array.from({ length: 20 }, () => Peer.connect(rig.port)));
    await Promise.all(accepted.map((peer) => peer.write("brick 2 -1\n")));
    await accepted[0]?.until("Operations");
    await rig.server.stop();
    for (const peer of accepted) expect((await peer.outcome).text).toMatch(/"brick 2 -1"\n$/);
    const stopping = `${header}Error: the server is stopping; send the message again in a moment\n`;
    expect(await silent.outcome).toEqual({ text: stopping, isReset: false });
    expect(await started.outcome).toEqual({ text: stopping, isReset: false });
    expect((await rig.asked()).filter((message) => message === "brick 2")).toHaveLength(1);
    await expect(Peer.connect(rig.port)).rejects.toThrow("ECONNREFUSED");
  });

  test("cuts what has not finished at its deadline", async () => {
    await using rig = await openRig({ drainMs: 100, drainMessageMs: 20_000 });
    const silent = await Peer.connect(rig.port);
    await ask(rig.port, "brick\n");
    await rig.server.stop();
    expect((await silent.outcome).isReset).toBe(true);
  });
});
