/**
 * FIN before the reply, and bytes behind the message: neither may cost a client any of its reply, whether it speaks TCP
 * to the server (`half-close`), does so through a listening port (`listen-half-close`) [G-15], or is a page of the gateway
 * (`gateway-half-close`) [G-6]. A client of the relay that closes
 * gets no reply, but what it sent must all arrive, with FIN behind it (`relay-half-close`) [G-13].
 */

import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../test-support/free-port.ts";
import { PageClient, textOf } from "../../test-support/page-client.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { RelayClient } from "../../test-support/relay-client.ts";
import { TestServer, ask, exchange, inTurns } from "../../test-support/tcp-client.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const atOnce = 16;
/** Bounds a hang: bytes that have not arrived so long after the close are lost. */
const arriveMsMax = 10_000;
const arriveMsMaxOfControl = 1000;
const message = Buffer.from("brick\n");

/** Sends the message and a surplus; returns what came until the server's FIN, and why the connection broke. */
type Send = (surplus: Uint8Array, endsEarly: boolean) => Promise<string>;

/** A client, and what it gets when nothing disturbs it. */
interface Client {
  readonly send: Send;
  readonly whole: string;
}

const common = {
  promise: "a client that closes its half early, or sends more than its message, gets its whole reply",
  unit: "exchanges",
  ci: 300,
  full: 50_000,
  isInCi: true,
  needs: [],
};

export const faultTests: Readonly<Record<string, FaultTest>> = {
  "half-close": {
    ...common,
    first: 1000,
    negativeControls: [{ mutant: "no-half-open", count: 100 }],
    run: (trial) => run(trial, 256 * 1024, openTcp),
  },
  "listen-half-close": {
    ...common,
    first: 1000,
    negativeControls: [{ mutant: "listen-no-half-open", count: 20 }],
    run: (trial) => run(trial, 256 * 1024, openListening),
  },
  "gateway-half-close": {
    ...common,
    first: 2000,
    negativeControls: [{ mutant: "no-half-close", count: 50 }],
    run: (trial) => run(trial, 64 * 1024, openGateway),
  },
  "relay-half-close": {
    ...common,
    promise: "what a client of the relay sent before it closed arrives, with FIN behind it",
    first: 500,
    negativeControls: [{ mutant: "no-half-close", count: 4 }],
    run: (trial) => {
      const withinMs = trial.isControl ? arriveMsMaxOfControl : arriveMsMax;
      return run(trial, 64 * 1024, (stack, nodeArgs) => openRelay(stack, nodeArgs, withinMs));
    },
  },
};

async function run(
  { count, random, nodeArgs, progress }: Trial,
  surplusBytesMax: number,
  open: (stack: AsyncDisposableStack, nodeArgs: readonly string[]) => Promise<Client>,
): Promise<Finding> {
  await using stack = new AsyncDisposableStack();
  const { send, whole } = await open(stack, nodeArgs);
  const violations: string[] = [];
  await inTurns(count, atOnce, async (number) => {
    const surplus = random.chance(0.5) ? random.bytes(random.below(surplusBytesMax)) : new Uint8Array(0);
    const endsEarly = random.chance(0.7) || surplus.length === 0;
    const reply = await send(surplus, endsEarly);
    const manner = `${surplus.length} bytes behind the message, FIN ${endsEarly ? "at once" : "after the reply"}`;
    if (reply !== whole) violations.push(`with ${manner} came ${JSON.stringify(reply.slice(-120))}`);
    progress(number);
  });
  return { tried: count, checked: "each reply compared with an undisturbed one", violations };
}

async function openTcp(stack: AsyncDisposableStack, nodeArgs: readonly string[]): Promise<Client> {
  const { port } = stack.use(await startServer({ nodeArgs }));
  return openTcpAt(port);
}

async function openListening(stack: AsyncDisposableStack, nodeArgs: readonly string[]): Promise<Client> {
  const server = stack.use(await startServer());
  const port = await freePort();
  stack.use(await startGateway({ server: server.address, options: ["--listen", `${port}=wirebook`], nodeArgs }));
  return openTcpAt(port);
}

async function openTcpAt(port: number): Promise<Client> {
  const send: Send = async (surplus, endsEarly) => {
    const { text, error } = await exchange(port, (socket) => {
      socket.write(message);
      socket.write(surplus);
      if (endsEarly) socket.end();
    });
    return error === undefined ? text : `${text}(${error})`;
  };
  return { send, whole: await send(new Uint8Array(0), false) };
}

/** A surplus goes in the message's frame when its length is even, and in frames of its own otherwise. */
async function openGateway(stack: AsyncDisposableStack, nodeArgs: readonly string[]): Promise<Client> {
  const server = stack.use(await startServer());
  const gateway = stack.use(await startGateway({ server: server.address, nodeArgs }));
  const page = stack.use(await PageClient.open(gateway.address));
  const send: Send = async (surplus, isEnded) => {
    const bytes = surplus.length % 2 === 0 ? Buffer.concat([message, surplus]) : message;
    const isWhole = bytes !== message;
    const stream = page.connect("wirebook", { bytes, isEnded: isEnded && isWhole }, { answersFin: !isEnded });
    if (!isWhole) void stream.send(surplus);
    if (!isWhole && isEnded) stream.end();
    const answer = await stream.ended;
    return answer.last.type === "end" && answer.last.reason !== "fin" ? `(${answer.last.reason})` : textOf(answer);
  };
  return { send, whole: await ask(server.port, "brick") };
}

/** The target says what it got when its client has sent FIN, and a client that stays until then gets that. */
async function openRelay(stack: AsyncDisposableStack, nodeArgs: readonly string[], withinMs: number): Promise<Client> {
  const arrived = new Map<string, () => void>();
  const server = stack.use(
    await TestServer.listen((socket) => {
      const hash = createHash("sha256");
      socket.on("data", (bytes: Buffer) => hash.update(bytes));
      socket.on("end", () => {
        arrived.get(hash.digest("hex"))?.();
        socket.end("thanks");
      });
    }),
  );
  const options = ["--relay", "--target", `it=tcp://${server.address}`];
  const gateway = stack.use(await startGateway({ options, nodeArgs }));
  let number = 0;
  const send: Send = async (surplus) => {
    const parts = [message, Buffer.from(`${number++}`), surplus];
    const digest = createHash("sha256").update(Buffer.concat(parts)).digest("hex");
    const { promise: whole, resolve } = Promise.withResolvers<string>();
    arrived.set(digest, () => resolve("all of it"));
    await using client = await RelayClient.open(gateway.address, "it");
    for (const part of parts) void client.send(part);
    const closing = client.end().then(({ code }) => `closed with ${code}`);
    const found = await Promise.race([whole, closing.then(() => wait(withinMs, "not all of it"))]);
    arrived.delete(digest);
    return `${found}, ${await closing}`;
  };
  return { send, whole: "all of it, closed with 1000" };
}
