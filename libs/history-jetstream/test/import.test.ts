/** A file goes into a cluster and comes back as it was, and a server that starts knows how much there is without counting it all. */

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NatsCluster } from "../../../test-support/nats-cluster.ts";
import { describeOnNatsServers } from "../../../test-support/nats-tests.ts";
import type { HistorySize, History } from "@wirebook/history";
import { importIntoJetStream, openJetStreamHistory } from "../src/open.ts";
import { linesOf } from "../../history/test/reading.ts";

const by = { user: "brick", address: "127.0.0.1" };
let cluster: NatsCluster;
let folder: string;

const open = (name: string): Promise<History> => openJetStreamHistory(cluster.address(name));

async function* chunksOf(text: string, length: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const importText = (name: string, text: string): Promise<number> =>
  importIntoJetStream(cluster.address(name), chunksOf(text, 1000));

const append = (history: History, message: string): Promise<unknown> =>
  history.append({ address: "127.0.0.1", message, isCut: false });

/** What a history really has. */
async function countedOf(history: History): Promise<HistorySize> {
  const lines = await linesOf(history);
  return { lines: lines.length, bytes: Buffer.byteLength(lines.map((line) => `${line}\n`).join("")) };
}

describeOnNatsServers("an import", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "wirebook-import-"));
    cluster = await NatsCluster.start({ nodes: 1, folder });
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  describe("an import", () => {
    test("brings each line back as it was, whatever it holds", async () => {
      const own = Array.from(
        { length: 2500 },
        (_, at) => `2026-11-22T20:31:05.${String(at).padStart(6, "0")}Z 127.0.0.1 "brick 1 ${at}"`,
      );
      const lines = [
        "",
        "by hand ✎",
        ...own,
        "2026-11-22T20:31:05.123456Z 127.0.0.1 brick deleted all",
        "no line feed",
      ];
      expect(await importText("whole", lines.join("\n"))).toBe(lines.length);
      await using history = await open("whole");
      expect(await linesOf(history)).toEqual(lines);
      expect(history.size()).toEqual(await countedOf(history));
      await append(history, "brick 2");
      expect((await linesOf(history)).at(-1)).toMatch(/"brick 2"$/);
    });

    test("of nothing leaves nothing", async () => {
      expect(await importText("nothing", "")).toBe(0);
      await using history = await open("nothing");
      expect(history.size()).toEqual({ lines: 0, bytes: 0 });
    });

    test("goes into no history that has lines", async () => {
      await importText("twice", "one\n");
      await expect(importText("twice", "two\n")).rejects.toThrow(
        "the history twice has 1 lines already; name a new one",
      );
    });

    test("refuses a line that the cluster takes in no message", async () => {
      const text = `short\n${"x".repeat(1024 * 1024 + 1)}\n`;
      await expect(importText("long", text)).rejects.toThrow(
        /^line 2 has more bytes than the cluster takes in a message/,
      );
    });
  });

  test("a server that starts counts what came since the checkpoint, deletes before and behind it too", async () => {
    const node = cluster.nodes[0];
    const witness = await connect({ servers: `${node?.host}:${node?.ports.client}` });
    const erasings = witness.subscribe("$JS.API.STREAM.MSG.DELETE.count", { max: 2 });
    await importText("count", "one\ntwo\nthree\nfour\n");
    await using history = await open("count");
    for (const message of ["five", "six", "seven"]) await append(history, message);
    await history.deleteLine(by, 2);
    await history.deleteLine(by, 5);
    const expected = await countedOf(history);
    expect(expected.lines).toBe(7);
    expect(history.size()).toEqual(expected);
    // No server closes meanwhile, so the checkpoint stays that of the import.
    await using other = await open("count");
    expect(other.size()).toEqual(expected);
    for await (const _ of erasings);
    await using last = await open("count");
    expect(last.size()).toEqual(expected);
    await witness.close();
  });
});
