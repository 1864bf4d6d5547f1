import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Capture } from "@wirebook/capture";
import manifest from "../../../package.json" with { type: "json" };
import { expertFindings, follow, hasTshark, tshark, tsharkTestMs } from "../../../libs/capture/test/tshark.ts";
import { eventsOf, openBackend, openEcho, openFolder, openGateway, openPage } from "./gateway-fixture.ts";

/** Bytes of a capture that holds nothing yet. */
function headBytes(): number {
  return new Capture({ write: () => true }, `wirebook gateway ${manifest.version}`).bytes;
}

test("writes every exchange of every page into one file, for its owner's eyes only, without a key", async () => {
  await using echo = await openEcho();
  await using folder = await openFolder();
  const pcap = join(folder.path, "gateway.pcapng");
  {
    await using gateway = await openGateway(echo, { config: { pcap } });
    await using one = await openPage(gateway);
    await using other = await openPage(gateway);
    await one.ask({ type: "request", id: 1, user: "brick~s3cret", operation: 2 });
    await other.connect("wirebook", { bytes: "any bytes\n", isEnded: true }).ended;
  }
  const file = await readFile(pcap);
  for (const held of ["brick~****** 2\n", "any bytes\n", "echo any bytes\n"]) expect(file.includes(held)).toBe(true);
  expect(file.indexOf("brick~s3cret")).toBe(
    file.indexOf("echo brick~") < 0 ? -1 : file.indexOf("echo brick~") + "echo ".length,
  );
  expect((await stat(pcap)).mode & 0o777).toBe(0o600);
});

test.skipIf(!hasTshark)(
  "Wireshark follows what it wrote, half-closes and PROXY headers included",
  { timeout: tsharkTestMs },
  async () => {
    await using backend = await openBackend((socket) =>
      socket.on("data", (bytes) => socket.write(bytes)).on("end", () => socket.end("bye")),
    );
    await using folder = await openFolder();
    const pcap = join(folder.path, "gateway.pcapng");
    {
      await using gateway = await openGateway([{ ...backend.target, proxy: "v2" }], { config: { pcap } });
      await using page = await openPage(gateway);
      const stream = page.connect("wirebook", { bytes: "one " });
      await stream.received(28 + 4);
      await stream.send("two");
      await stream.received(28 + 7);
      stream.end();
      await stream.ended;
    }
    const { client, server, turns } = await follow(pcap);
    expect(client.subarray(28).toString()).toBe("one two");
    expect(client.subarray(0, 12).toString("hex")).toBe("0d0a0d0a000d0a515549540a");
    expect(server.subarray(28).toString()).toBe("one twobye");
    expect(turns).toEqual(["client", "server", "client", "server"]);
    const fins = await tshark(pcap, "-Y", "tcp.flags.fin == 1", "-T", "fields", "-e", "tcp.dstport");
    expect(fins[0]).toBe(String(backend.port));
    expect(await expertFindings(pcap)).toEqual([]);
  },
);

test("stops at its bound, says so once, and goes on serving", async () => {
  await using echo = await openEcho();
  await using folder = await openFolder();
  const pcap = join(folder.path, "gateway.pcapng");
  const pcapBytesMax = headBytes() + 600;
  await using gateway = await openGateway(echo, { config: { pcap }, limits: { pcapBytesMax } });
  await using page = await openPage(gateway);
  for (const id of [1, 2, 3]) {
    const { text } = await page.ask({ type: "request", id, user: "brick", operation: 2 });
    expect(text).toBe("echo brick 2\n");
  }
  await gateway.app.close();
  const messages = eventsOf(gateway, "notice").map(({ message }) => message);
  expect(messages[0]).toBe(`${pcap} is full at ${pcapBytesMax} bytes; no more packets are written`);
  expect(messages[1]).toMatch(/^\d+ packets are not in /);
  expect(messages).toHaveLength(2);
  expect((await stat(pcap)).size).toBeLessThanOrEqual(pcapBytesMax);
});

test("drops packets when the disk is too slow for them, says so once, and goes on serving", async () => {
  await using echo = await openEcho();
  await using folder = await openFolder();
  const pcap = join(folder.path, "gateway.pcapng");
  const limits = { pcapQueuedBytesMax: headBytes() + 10 };
  await using gateway = await openGateway(echo, { config: { pcap }, limits });
  await using page = await openPage(gateway);
  // A reply that needs more room than the queue has: no block of it can ever fit.
  const user = "b".repeat(1000);
  expect((await page.ask({ type: "request", id: 1, user })).text).toBe(`echo ${user}\n`);
  expect(eventsOf(gateway, "notice")).toMatchObject([
    { message: expect.stringContaining("is too slow; packets are dropped") },
  ]);
});

test("refuses to replace what is no capture, and a folder that is not there", async () => {
  await using echo = await openEcho();
  await using folder = await openFolder();
  const pcap = join(folder.path, "gateway.pcapng");
  await writeFile(pcap, "my thesis");
  await expect(openGateway(echo, { config: { pcap } })).rejects.toThrow(
    `${pcap} exists and is no pcapng file; name another one with --pcap`,
  );
  await expect(openGateway(echo, { config: { pcap: `${pcap}/no.pcapng` } })).rejects.toThrow(
    "cannot be written (ENOTDIR)",
  );
});
