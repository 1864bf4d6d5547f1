/** What Wirebook writes as packets, against what a real capture on loopback saw of the same exchange. */

import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { expertFindings, follow, hasTshark, tshark, tsharkTestMs } from "../../libs/capture/test/tshark.ts";
import { clientPath, startServer } from "../../test-support/programs.ts";
import { run } from "../../test-support/run.ts";

const canCapture = hasTshark && process.getuid?.() === 0;
if (!canCapture) {
  process.stderr.write(
    "SKIPPED: no real capture on loopback to compare with; it needs tshark (Debian: tshark) and root\n",
  );
}

/** A capture on loopback of one server's port. */
class LoopbackCapture implements AsyncDisposable {
  readonly path: string;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;

  /** Resolves when the capture runs. */
  static async open(path: string, port: number): Promise<LoopbackCapture> {
    const fields = ["tcp.srcport", "tcp.dstport", "tcp.flags.fin"].flatMap((field) => ["-e", field]);
    const words = ["-i", "lo", "-f", `tcp port ${port}`, "-w", path, "-P", "-l", "-n", "-T", "fields", ...fields];
    const child = spawn("tshark", words, { stdio: ["ignore", "pipe", "pipe"] });
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.includes("Capture started")) return new LoopbackCapture(path, child);
    }
    throw new Error("tshark ended before it captured");
  }

  private constructor(path: string, child: ChildProcessByStdio<null, Readable, Readable>) {
    this.path = path;
    this.#child = child;
    child.stderr.resume();
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Waits until both ends of the connection from that port have sent their FIN. */
  async sawBothFins(port: string): Promise<void> {
    for (const missing = new Set([0, 1]); missing.size > 0;) {
      const [source, destination, fin] = (await this.#next()).split("\t");
      if (fin === "1" && source === port) missing.delete(0);
      if (fin === "1" && destination === port) missing.delete(1);
    }
  }

  /** Stops it, so that the file is whole. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGINT");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("tshark stopped capturing");
    return value;
  }
}

/** Number of the stream, and the client's port, of the first connection with a payload that holds a text. */
async function find(path: string, text: string): Promise<{ stream: number; port: string }> {
  const fields = ["-e", "tcp.stream", "-e", "tcp.srcport"];
  const [row = ""] = await tshark(path, "-Y", `tcp.payload contains "${text}"`, "-T", "fields", ...fields);
  const [stream = "", port = ""] = row.split("\t");
  return { stream: Number(stream), port };
}

describe.skipIf(!canCapture)("an exchange, captured and synthesised", { timeout: tsharkTestMs }, () => {
  test.for(["brick 2 -100", "brick 9"])("is the same on both: payload, direction and order (%s)", async (message) => {
    await using server = await startServer();
    const folder = await mkdtemp(join(tmpdir(), "wirebook-loopback-"));
    const ours = join(folder, "ours.pcapng");
    const theirs = join(folder, "theirs.pcapng");
    const words = ["--port", String(server.port)];
    await run(process.execPath, [clientPath, ...words], "filler one\nfiller two\n".repeat(20));
    {
      await using capture = await LoopbackCapture.open(theirs, server.port);
      await run(process.execPath, [clientPath, ...words, "--pcap", ours, ...message.split(" ")]);
      await capture.sawBothFins((await find(ours, message)).port);
    }
    const ownStream = await find(ours, message);
    const realStream = await find(theirs, message);
    expect(realStream.port).toBe(ownStream.port);
    const own = await follow(ours, ownStream.stream);
    expect(own).toEqual(await follow(theirs, realStream.stream));
    expect(own.client.toString()).toBe(`${message}\n`);
    expect(own.server.length).toBeGreaterThan(200);
    expect(await expertFindings(ours)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});
