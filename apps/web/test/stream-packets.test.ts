import { Capture, encodeBase64 } from "@wirebook/capture";
import type { RecordedStream } from "@wirebook/capture";
import { describe, expect, test } from "vitest";
import {
  captureFile,
  expertFindings,
  follow,
  hasTshark,
  tshark,
  tsharkTestMs,
} from "../../../libs/capture/test/tshark.ts";
import { capturePackets } from "../src/export/files.ts";
import { streamOf } from "../src/export/recorded-stream.ts";

const plain: RecordedStream = {
  type: "stream",
  version: 2,
  startedAt: "2026-11-22T20:31:05.123000Z",
  target: "wirebook",
  transport: "tcp",
  message: "brick 2 -1\n",
  by: "user",
  ends: { client: { address: "127.0.0.1", port: 40_112 }, target: { address: "127.0.0.1", port: 5007 } },
  steps: {
    received: 0.5,
    connecting: 0.75,
    established: 1,
    written: 1.25,
    ended: 1.5,
    firstByte: 2,
    fin: 3,
    closed: 3.25,
  },
  events: [
    { at: 1.25, from: "client", bytes: encodeBase64(Buffer.from("brick 2 -1\n")), count: 11, arrived: 1.5 },
    { at: 1.5, from: "client", fin: true },
    { at: 2, from: "target", bytes: encodeBase64(Buffer.from("link\n\n")), count: 6, arrived: 2.75, queued: 3 },
    { at: 2.5, from: "target", bytes: encodeBase64(Buffer.from("a line\n")), count: 7 },
    { at: 3, from: "target", fin: true },
  ],
  clockErrorMs: 0.1,
  frames: [{ at: 0, direction: "sent", name: "request", text: "{}" }],
  end: { how: "fin", at: 3.5 },
};

function packetsOf(record: RecordedStream): { blocks: Uint8Array[]; hasPackets: boolean } {
  const blocks: Uint8Array[] = [];
  const capture = new Capture({ write: (block) => blocks.push(block) > 0 }, "wirebook test");
  return { hasPackets: capturePackets(capture, streamOf(record, 1)), blocks };
}

describe("a record as packets", { timeout: tsharkTestMs }, () => {
  test("has none when its connection never stood", () => {
    const { ends: _, ...without } = plain;
    expect(packetsOf(without).hasPackets).toBe(false);
    expect(packetsOf({ ...plain, steps: { received: 0 } }).hasPackets).toBe(false);
  });

  test.skipIf(!hasTshark)("is what happened, at its times, the early FIN included", async () => {
    await using file = await captureFile(packetsOf(plain).blocks);
    const fields = ["frame.time_epoch", "tcp.srcport", "tcp.len", "tcp.flags.fin"].flatMap((field) => ["-e", field]);
    const rows = await tshark(file.path, "-Y", "tcp.len > 0 || tcp.flags.fin == 1", "-T", "fields", ...fields);
    expect(rows.map((row) => row.split("\t"))).toEqual([
      ["1795379465.124250000", "40112", "11", "0"],
      ["1795379465.124500000", "40112", "0", "1"],
      ["1795379465.125000000", "5007", "6", "0"],
      ["1795379465.125500000", "5007", "7", "0"],
      ["1795379465.126000000", "5007", "0", "1"],
    ]);
    expect((await follow(file.path)).server.toString()).toBe("link\n\na line\n");
    expect(await expertFindings(file.path)).toEqual([]);
  });

  test.skipIf(!hasTshark)(
    "of another service shows what was said as it is, over TLS and a Unix socket too",
    async () => {
      const peer = { subject: "CN=mail", issuer: "CN=ca", validFrom: "2026-01-01", validTo: "2027-01-01" };
      const tls = { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: null, peer };
      const said = { at: 1.25, from: "client", bytes: encodeBase64(Buffer.from("EHLO ~me\r\n")), count: 10 } as const;
      const { ends: _, ...local } = {
        ...plain,
        target: "mail",
        message: "EHLO ~me\r\n",
        events: [said, ...plain.events.slice(1)],
      };
      for (const [record, comment] of [
        [{ ...local, ends: plain.ends, transport: "tls", tls }, "plain text inside of TLS"],
        [{ ...local, transport: "unix" }, "a Unix socket"],
      ] as const) {
        const { hasPackets, blocks } = packetsOf(record);
        expect(hasPackets).toBe(true);
        await using file = await captureFile(blocks);
        expect((await follow(file.path)).client.toString()).toBe("EHLO ~me\r\n");
        expect((await tshark(file.path, "-T", "fields", "-e", "frame.comment")).join(" ")).toContain(comment);
        expect(await expertFindings(file.path)).toEqual([]);
      }
    },
  );

  test.skipIf(!hasTshark)("ends as the exchange did", async () => {
    const { fin: _, ...steps } = plain.steps;
    const endings: readonly [RecordedStream["end"], string, string][] = [
      [{ how: "cancelled", at: 3.5 }, "40112", "This end broke off with RST, before the server had ended"],
      [
        { how: "failed", at: 3.5, code: "connection-reset", hop: "gateway-server", message: "it broke" },
        "5007",
        "The connection broke: it broke",
      ],
      [
        { how: "failed", at: 3.5, code: "reply-timeout", hop: "gateway-server", message: "silent" },
        "40112",
        "This end gave up with RST (reply-timeout): silent",
      ],
      [{ how: "reset", at: 3.5 }, "40112", "This end broke off with RST"],
    ];
    for (const [end, port, comment] of endings) {
      const { ended: __, ...open } = steps;
      const events = plain.events.filter(({ fin }) => fin !== true);
      await using file = await captureFile(packetsOf({ ...plain, steps: open, events, end }).blocks);
      const rows = await tshark(
        file.path,
        "-Y",
        "frame.comment && tcp.flags.syn == 0",
        "-T",
        "fields",
        "-e",
        "tcp.srcport",
        "-e",
        "frame.comment",
      );
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatch(new RegExp(`^${port}\t${comment.replaceAll(/[()]/g, "\\$&")}`));
    }
  });
});
