/**
 * Clients that request large replies and then read nothing: by an exchange, a conversation, a relay, or a listening port, which
 * the pages among them watch besides [G-9, G-15].
 */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { freePort } from "../../test-support/free-port.ts";
import { startGateway } from "../../test-support/programs.ts";
import { becomesStill, failuresOf } from "./network/gateway-health.ts";
import { PageClient } from "../../test-support/page-client.ts";
import { memoryOf } from "../../test-support/process-figures.ts";
import { RelayClient } from "../../test-support/relay-client.ts";
import { TestServer, ask } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const replyBytes = 100 * 1024 * 1024;
const piece = Buffer.alloc(1024 * 1024, "w");
/** What the gateway may take for them, as in never-reads: 137 to 196 were seen, most of it reads that V8 had not collected yet. */
const grownMiBMax = 256;
/** Exchanges of a page and of relays that read, while the others do not. */
const otherExchanges = 200;

export const faultTest: FaultTest = {
  promise: "clients that stop reading cost a bounded memory, and others notice nothing",
  unit: "clients that read nothing of a reply of 100 MiB",
  first: 200,
  full: 1000,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "no-gateway-backpressure", count: 6 }],
  run,
};

async function run({ count, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startLarge();
  const listenPort = await freePort();
  const options = ["--relay", "--listen", `${listenPort}=wirebook`, "--watch-memory", "16"];
  const place = { server: server.address, connections: count + 16, options };
  await using gateway = await startGateway({ ...place, nodeArgs });
  const { pid } = gateway;
  const { nowMiB: idleMiB } = await memoryOf(pid);
  using stalled = new DisposableStack();
  for (let opened = 0; opened < count; opened++) {
    await stall(gateway.address, listenPort, opened, stalled);
    progress(opened);
  }
  await becomesStill(() => sentBy(server));
  const { peakMiB } = await memoryOf(pid);
  const beside = await readBeside(gateway.address, listenPort);
  const violations = [...beside.violations, ...failuresOf(gateway)];
  const grownMiB = Math.round(peakMiB - idleMiB);
  if (grownMiB > grownMiBMax) violations.push(`the gateway took ${grownMiB} MiB for them, over ${grownMiBMax}`);
  const checked = `${otherExchanges} exchanges of another page, of other relays and through the port meanwhile`;
  const figures = {
    rssMiB: Math.round(peakMiB),
    "of it for them, MiB": grownMiB,
    "slowest of them, ms": Math.round(beside.slowestMs),
  };
  return { tried: count, checked, violations, figures };
}

/** Opens a client that asks and does not read: each fourth one by the same way. */
async function stall(address: string, listenPort: number, number: number, stalled: DisposableStack): Promise<void> {
  if (number % 4 === 3) {
    const socket = connect({ host: "127.0.0.1", port: listenPort }).pause();
    stalled.defer(() => socket.destroy());
    socket.on("error", () => socket.destroy()).write("large\n");
    return;
  }
  if (number % 4 === 0) {
    const client = stalled.use(await RelayClient.open(address, "wirebook"));
    client.socket.pause();
    return client.send("large\n");
  }
  const page = stalled.use(await PageClient.open(address));
  page.socket.pause();
  page.send({ type: "watch" });
  if (number % 4 === 1) page.request("large");
  else page.connect("wirebook", { bytes: "large\n" });
}

/** How long one takes is told and not judged: that depends on the machine. One that is held back ends with an error. */
async function readBeside(address: string, listenPort: number): Promise<{ violations: string[]; slowestMs: number }> {
  using page = await PageClient.open(address);
  const violations: string[] = [];
  let slowestMs = 0;
  for (let done = 0; done < otherExchanges; done++) {
    const startedMs = performance.now();
    const { text, last } = await page.connect("wirebook", { bytes: "small\n", isEnded: true }).ended;
    using client = await RelayClient.open(address, "wirebook");
    await client.send("small\n");
    const { code } = await client.closing;
    const passed = await ask(listenPort, "small");
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    if (passed !== "small") violations.push(`through the port came ${JSON.stringify(passed)}`);
    if (last.type !== "end" || text !== "small") violations.push(`another page got ${JSON.stringify(last)}`);
    if (code !== 1000 || client.bytes.toString() !== "small") violations.push(`another relay was closed with ${code}`);
  }
  return { violations, slowestMs };
}

/** Answers `large` with 100 MiB, as fast as they are taken, and anything else with `small`. */
function startLarge(): Promise<TestServer> {
  return TestServer.listen((socket) => {
    socket.once("data", (message) => {
      if (message.toString().startsWith("large")) sendLarge(socket);
      else socket.end("small");
    });
  });
}

/** Bytes that the kernel has taken, in all. */
function sentBy({ sockets }: TestServer): number {
  return [...sockets].reduce((sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength, 0);
}

function sendLarge(socket: Socket): void {
  let left = replyBytes / piece.length;
  const go = (): void => {
    while (left > 0) {
      left -= 1;
      if (!socket.write(piece)) return void socket.once("drain", go);
    }
    socket.end();
  };
  go();
}
