import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isPcapng, segmentBytesMax, StreamCapture } from "@wirebook/capture";
import type { Capture } from "@wirebook/capture";
import { StreamRecord } from "@wirebook/protocol";
import { describe, expect, test } from "vitest";
import { openPcapFile, pcapBytesMax } from "../src/output/files.ts";
import { exitCodes } from "../src/command.ts";
import { runCli } from "./cli.ts";
import { header, openResponder } from "./tcp-peer.ts";

async function openFolder(): Promise<AsyncDisposable & { at(name: string): string }> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-pcap-"));
  return { at: (name) => join(folder, name), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** A connection on which this was sent. */
const connect = (capture: Capture, sent: string): void => {
  const record = new StreamRecord({ firstEventsKept: 1, lastEventsKept: 0, bytesKept: Infinity });
  record.mark("established", 0);
  record.local = { address: "127.0.0.1", port: 40_112 };
  record.remote = { address: "127.0.0.1", port: 5007 };
  record.sending(Buffer.from(sent));
  if (sent !== "") record.wrote(sent.length, 1);
  new StreamCapture(capture, { originMs: 0, transport: "tcp", hasKeys: true }).replay(record);
};

describe("--pcap", () => {
  test("writes what was sent and received, for the owner's eyes only, and no key", async () => {
    await using folder = await openFolder();
    await using peer = await openResponder("Deleted all.\n");
    const path = folder.at("a.pcapng");
    const input = "brick~s3cret 3\nbrick 2\n";
    const { code, stdout } = await runCli([...peer.options, "--pcap", path], { input });
    expect([code, stdout]).toEqual([exitCodes.done, "Deleted all.\nDeleted all.\n"]);
    expect(peer.messages).toEqual(["brick~s3cret 3\n", "brick 2\n"]);
    const file = await readFile(path);
    for (const held of ["brick~****** 3\n", "brick 2\n", header, "Deleted all.\n"])
      expect(file.includes(held)).toBe(true);
    expect(file.includes("s3cret")).toBe(false);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("replaces an older capture, and refuses to replace anything else", async () => {
    await using folder = await openFolder();
    await using peer = await openResponder("done\n");
    const path = folder.at("a.pcapng");
    for (const user of ["brick", "otter"]) await runCli([...peer.options, "--pcap", path, user, "2"]);
    const file = await readFile(path);
    expect([isPcapng(file), file.includes("otter 2"), file.includes("brick 2")]).toEqual([true, true, false]);
    await writeFile(path, "my thesis");
    const refused = await runCli([...peer.options, "--pcap", path, "brick", "2"]);
    expect(refused).toMatchObject({ code: exitCodes.usage, stdout: "" });
    expect(refused.stderr).toBe(`wirebook: ${path} exists and is no pcapng file; name another one with --pcap\n`);
    expect(await readFile(path, "utf8")).toBe("my thesis");
    expect(peer.messages).toHaveLength(2);
    const { stderr } = await runCli([...peer.options, "--pcap", folder.at("no/a.pcapng"), "brick"]);
    expect(stderr).toContain("cannot be written (ENOENT); name another file with --pcap");
  });

  test("stops at its bound with a sentence, after the last whole block", async () => {
    await using folder = await openFolder();
    const path = folder.at("a.pcapng");
    const file = openPcapFile(path, "wirebook test", 2000);
    connect(file.capture, "x".repeat(2000));
    expect(file.close()).toBe(
      `${path} ends before the last 2 packets (the limit is 2000 bytes); make room, or capture less`,
    );
    expect((await stat(path)).size).toBe(file.capture.bytes);
    const whole = openPcapFile(path, "wirebook test", 2000);
    connect(whole.capture, "");
    expect(whole.close()).toBeUndefined();
  });

  test("has the bound that its document names", async () => {
    const document = await readFile(new URL("../../../docs/reference/capture.md", import.meta.url), "utf8");
    const text = document.replaceAll(/\s+/g, " ");
    expect(text).toContain(`ends at ${pcapBytesMax.toLocaleString("en-US")} bytes`);
    expect(text).toContain(`longer than ${segmentBytesMax.toLocaleString("en-US")} bytes`);
  });

  test("says so when the disk is full, and the answer is shown all the same", async () => {
    await using peer = await openResponder("done\n");
    const { code, stdout, stderr } = await runCli([...peer.options, "--pcap", "/dev/full", "brick", "2"]);
    expect([code, stdout]).toEqual([exitCodes.unreachable, "done\n"]);
    expect(stderr).toMatch(/^wirebook: \/dev\/full ends before the last \d+ packets \(ENOSPC\); make room/);
  });
});
