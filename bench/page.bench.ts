import { once } from "node:events";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { chromium } from "@playwright/test";
import type { Browser, CDPSession, Page } from "@playwright/test";
import { encodeRecord, encodeSessionHead, recordsMax } from "@wirebook/capture";
import { encodeRequestEntry, encodeReplyHeader, encodeFollowing, encodeTime, operations } from "@wirebook/protocol";
import { startGateway } from "../test-support/programs.ts";
import { findChromium } from "../scripts/chromium.mjs";
import type { Bench, BenchOptions } from "./harness/bench.ts";

const linesPerSecond = 1000;
const tickMs = 5;
const linesOfAnHour = 3_600_000;
const frameCategory = "devtools.timeline.frame";
const header = encodeReplyHeader({ link: "https://example.org/wirebook", operations });

export const bench: Bench = {
  question: `frames a second that Chromium draws of the page while ${linesPerSecond} lines a second come into the history, a filtered history or a conversation, and its memory after an hour's lines`,
  run,
};

/** A server that has an empty history and says whatever lines it is told to; the gateway and the page are the real ones. */
class Source {
  readonly server: Server;
  count = 0;
  #follower: Socket | undefined;

  constructor() {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      socket.once("data", (bytes) => {
        if (!bytes.toString().includes(" 5")) return socket.end(header);
        this.#follower = socket;
        socket.write(header + encodeFollowing(1));
      });
    });
  }

  /** Says lines; settles when the kernel has room for more. */
  async say(lines: number): Promise<void> {
    let text = "";
    for (let n = 0; n < lines; n++) {
      this.count += 1;
      const time = encodeTime(1_800_000_000_000_000 + this.count);
      text += `${encodeRequestEntry(time, "127.0.0.1", `otter 2 ${this.count}`, false)}\n`;
    }
    if (this.#follower?.write(text) === false) await once(this.#follower, "drain");
  }
}

/** A service that speaks first and has no end, as the target `talk`. */
class Talker {
  readonly server: Server;
  readonly #sockets = new Set<Socket>();
  #count = 0;

  constructor() {
    this.server = createServer((socket) => {
      socket.on("error", () => {});
      this.#sockets.add(socket.setNoDelay(true));
    });
  }

  async say(lines: number): Promise<void> {
    let text = "";
    for (let n = 0; n < lines; n++) text += `line ${(this.#count += 1)} of a service that says a lot\n`;
    for (const socket of this.#sockets) if (!socket.write(text)) await once(socket, "drain");
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function run({ seconds, say }: BenchOptions): Promise<void> {
  const source = new Source();
  const talker = new Talker();
  const options = [`--target=talk=tcp://${await listen(talker.server)}`];
  await using gateway = await startGateway({ server: await listen(source.server), options });
  const executablePath = findChromium();
  await using browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`http://${gateway.address}/`);
  await page.getByRole("textbox", { name: "Message" }).fill("brick");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("live", { exact: true }).waitFor();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const grid = page.getByRole("grid", { name: "Lines" });

  const draw = (from: Source | Talker) => drawnWhile(browser, page, devtools, seconds, () => sayForA(seconds, from));
  const follow = () => draw(source);
  say(`following: ${await follow()}; ${await sizeOf(devtools)}`);
  const filter = page.getByRole("searchbox", { name: "Filter" });
  await filter.fill("5");
  await page
    .getByText(/ of [\d,]+ lines/)
    .first()
    .waitFor();
  say(`the same, of which a third pass a filter: ${await follow()}; ${await sizeOf(devtools)}`);
  await filter.fill("");
  const commandLine = page.getByRole("form", { name: "Command line" });
  await commandLine.getByRole("combobox", { name: "Target" }).selectOption("talk");
  await commandLine.getByRole("button", { name: "Connect" }).click();
  await talker.say(1);
  await page.getByText("line 1 of a service").first().waitFor();
  say(`a conversation, also in the inspector: ${await draw(talker)}; ${await sizeOf(devtools)}`);
  talker.close();
  await loadExchanges(page);
  say(`with ${recordsMax} exchanges in the conversation: ${await follow()}; ${await sizeOf(devtools)}`);

  const startedMs = performance.now();
  while (source.count < linesOfAnHour) await source.say(Math.min(2000, linesOfAnHour - source.count));
  await grid.and(page.locator(`[aria-rowcount="${linesOfAnHour}"]`)).waitFor({ timeout: 600_000 });
  const tookS = (performance.now() - startedMs) / 1000;
  say(`after ${linesOfAnHour} lines, the last of which came in ${tookS.toFixed(0)} s: ${await sizeOf(devtools)}`);
  source.server.close();
}

/** Says lines in small steps, as they would come from many users. */
async function sayForA(seconds: number, source: Source | Talker): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (let at = performance.now(); at < end; at += tickMs) {
    await source.say((linesPerSecond * tickMs) / 1000);
    await wait(Math.max(0, at + tickMs - performance.now()));
  }
}

interface TraceEvent {
  readonly name: string;
  /** Microseconds. */
  readonly ts: number;
}

/**
 * Frames with something new of the page's that were put on the screen meanwhile, by Chromium's own tracing, and the
 * longest time between two, and what each cost. `DrawFrame` alone would count each step of an animation, whatever the page is doing.
 */
async function drawnWhile(
  browser: Browser,
  page: Page,
  devtools: CDPSession,
  seconds: number,
  work: () => Promise<void>,
): Promise<string> {
  const beforeMs = await mainThreadMs(devtools);
  await browser.startTracing(page, { categories: ["disabled-by-default-devtools.timeline.frame", frameCategory] });
  await work();
  const tookMs = (await mainThreadMs(devtools)) - beforeMs;
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const times = traceEvents
    .filter(({ name }) => name === "ActivateLayerTree")
    .map(({ ts }) => ts)
    .toSorted((a, b) => a - b);
  const longestMs = Math.max(...times.slice(1).map((ts, at) => ts - (times[at] ?? ts))) / 1000;
  const rate = (times.length / seconds).toFixed(1);
  const each = (tookMs / times.length).toFixed(1);
  return `${rate} frames a second over ${seconds} s, ${each} ms of the processor each, the longest took ${longestMs.toFixed(0)} ms`;
}

/** Processor time that the page's main thread has taken, which other work on the machine does not change much. */
async function mainThreadMs(devtools: CDPSession): Promise<number> {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0) * 1000;
}

/** Fills the conversation, through the dialog that loads a session. */
async function loadExchanges(page: Page): Promise<void> {
  const text = '{"type":"request","id":1,"user":"otter","operation":2}';
  const record = encodeRecord({
    type: "stream",
    version: 2,
    startedAt: encodeTime(1_700_000_000_000_000),
    target: "wirebook",
    transport: "tcp",
    address: "127.0.0.1:5007",
    message: "otter 2\n",
    by: "user",
    steps: {},
    events: [],
    frames: [{ at: 0, direction: "sent", name: "request", text }],
    end: { how: "running", at: 0 },
  });
  const session = encodeSessionHead("bench", new Date()) + record.repeat(recordsMax);
  await page.getByRole("button", { name: "Export & share…" }).click();
  const dialog = page.getByRole("dialog", { name: "Export & share" });
  await dialog
    .getByLabel("Session file")
    .setInputFiles({ name: "many.ndjson", mimeType: "application/x-ndjson", buffer: Buffer.from(session) });
  await dialog.getByText(/^Loaded [1-9]/).waitFor({ timeout: 60_000 });
  await dialog.getByRole("button", { name: "Close" }).click();
}

/** What the page holds once the collector has been there. */
async function sizeOf(devtools: CDPSession): Promise<string> {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const { nodes } = await devtools.send("Memory.getDOMCounters");
  return `${nodes} DOM nodes, ${(usedSize / 1024 / 1024).toFixed(1)} MiB of heap`;
}
