/** The page's driver of scenarios, with a real gateway and services of the test's own. */

import { decodeText } from "@wirebook/protocol";
import { parseScenario } from "@wirebook/scenario";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { startGateway } from "../../../test-support/programs.ts";
import type { Program } from "../../../test-support/program.ts";
import { TestServer } from "../../../test-support/tcp-client.ts";
import { GatewayConnection } from "../src/gateway/connection.svelte.ts";
import { Play } from "../src/scenario/play.svelte.ts";
import type { PlayOrder } from "../src/scenario/play.svelte.ts";
import { KeptBytes } from "../src/streams/kept-bytes.ts";
import { Streams } from "../src/streams/streams.svelte.ts";

type Socket = Parameters<Parameters<typeof TestServer.listen>[0]>[0];

/** Serves the next connection. */
let serve: (socket: Socket) => void = () => {};
let service: TestServer;
let gateway: Program;

beforeAll(async () => {
  service = await TestServer.listen((socket) => serve(socket));
  // Nothing listens on port 1.
  const options = [`--target=mail=tcp://${service.address}`, "--target=none=tcp://127.0.0.1:1"];
  gateway = await startGateway({ options });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

afterEach(() => vi.unstubAllGlobals());

/** What the page has of streams, connected to the gateway. */
async function openPage() {
  const origin = `http://${gateway.address}`;
  vi.stubGlobal(
    "WebSocket",
    class extends WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol, { origin });
      }
    },
  );
  const connection = new GatewayConnection(`ws://${gateway.address}/ws`);
  const streams = new Streams(connection, () => {});
  await new Promise<void>((resolve) => {
    connection.start({
      onOpen: () => resolve(),
      onLost: (reason) => streams.lose(reason),
      onFrame: (frame, timed) => void streams.takeFrame(frame, timed),
      onBytes: (frame, atMs) => streams.takeBytes(frame, atMs),
      onProblem: () => {},
    });
  });
  const start = (text: string, order: Partial<PlayOrder> & { readonly name?: string } = {}) => {
    // A machine with other work takes its time.
    const parsed = parseScenario(text.startsWith("timeout") ? text : `timeout: 5m\n${text}`);
    if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
    const { scenario } = parsed;
    const target = streams.targets.find(({ name }) => name === (order.name ?? "mail")) ?? streams.target;
    const rest = { values: new Map(), pace: "recorded", ...order } as const;
    const play = Play.start(streams, connection, { scenario, text, target, ...rest });
    if (play === undefined) throw new Error("there is no connection");
    return play;
  };
  return { connection, streams, start, [Symbol.dispose]: () => connection.stop() };
}

/** Greets, and answers each line by itself in capitals, in two writes. */
function greet(socket: Socket): void {
  socket.write("220 mail ready\r\n");
  socket.on("data", (bytes) => {
    const reply = String(bytes).toUpperCase();
    socket.write(reply.slice(0, 2));
    setImmediate(() => socket.write(reply.slice(2)));
  });
  socket.on("end", () => socket.end());
}

const sent = ({ stream }: Play) => decodeText(new KeptBytes(stream.record, false).join(0, Infinity));

test("plays with a service that speaks first, and knows the bytes that decided each expectation", async () => {
  using page = await openPage();
  serve = greet;
  const play = page.start("< 220 {{host}} *\n> hello {{host}}\n< HELLO *\nend\n< EOF\n");
  await play.over;
  expect(play.summary).toMatch(/^Held: 5 steps in /);
  expect(play.results.map(({ state, from, to }) => [state, from, to])).toEqual([
    ["passed", 0, 16],
    ["passed", 0, 12],
    ["passed", 16, 28],
    ["passed", 12, 12],
    ["passed", 28, 28],
  ]);
  await play.stream.over;
  const { state, isDialogue, intent } = play.stream;
  expect([state, isDialogue, intent.purpose]).toEqual(["done", true, "a play"]);
});

test("tells what came instead, or that nothing came in time, and closes the connection", async () => {
  using page = await openPage();
  serve = greet;
  const wrong = page.start("< 220 *\n> hello\n< 250 *\n> QUIT\n");
  await wrong.over;
  expect(wrong.summary).toBe("Line 4: expected `250 *`, got `HELLO`.");
  expect(wrong.results.map(({ state }) => state)).toEqual(["passed", "passed", "failed"]);
  expect(wrong.results.at(-1)).toMatchObject({ from: 16, to: 23, isFromTarget: true });
  await wrong.stream.over;

  const silent = page.start("timeout: 500ms\n< 220 *\n< 250 *\n");
  await silent.over;
  expect(silent.verdict?.kind).toBe("timed-out");
  expect(silent.summary).toBe("Line 3: expected `250 *` within 500 ms, got nothing.");
  await silent.stream.over;

  const unreachable = page.start("< *\n", { name: "none" });
  await unreachable.over;
  expect(unreachable.summary).toMatch(/^Nothing listens on 127\.0\.0\.1:1; /);
});

test("ends of both kinds are expectations, and after FIN the page still sends", async () => {
  using page = await openPage();
  const last = Promise.withResolvers<string>();
  serve = (socket) => {
    socket.end("bye\n");
    void socket
      .setEncoding("utf8")
      .toArray()
      .then((reads) => last.resolve(reads.join("")));
  };
  const play = page.start("eol: LF\n< bye\n< EOF\n> still here\nend\n");
  await play.over;
  expect(play.verdict).toEqual({ kind: "held" });
  expect(await last.promise).toBe("still here\n");

  serve = (socket) => socket.once("data", () => socket.resetAndDestroy());
  const broken = page.start("> now\n< RST\n");
  await broken.over;
  expect(broken.verdict).toEqual({ kind: "held" });
});

test("Stop resets the connection, and a lost gateway ends the play with a sentence", async () => {
  using page = await openPage();
  const closed = Promise.withResolvers<unknown>();
  serve = (socket) => {
    socket.write("220 mail ready\r\n");
    socket.on("error", closed.resolve);
    socket.resume();
  };
  const play = page.start("< 220 *\nwait 10m\n> never\n");
  await expect.poll(() => play.results.length, { interval: 1 }).toBe(1);
  play.stop();
  expect(play.summary).toBe("You stopped the play.");
  expect(await closed.promise).toMatchObject({ code: "ECONNRESET" });
  await play.stream.over;

  const lost = page.start("< 220 *\nwait 10m\n> never\n");
  await expect.poll(() => lost.results.length, { interval: 1 }).toBe(1);
  page.streams.lose("it closed the connection");
  await lost.over;
  expect(lost.summary).toBe("The gateway was lost: it closed the connection.");
});

test("a key goes to the target, and is masked in what the page keeps", async () => {
  using page = await openPage();
  const got = Promise.withResolvers<string>();
  serve = (socket) => {
    socket.once("data", (bytes) => got.resolve(String(bytes)));
    socket.on("end", () => socket.end());
  };
  const play = page.start("> PASS {{key}}\nclose\n", { values: new Map([["key", "s3cret"]]) });
  expect(await got.promise).toBe("PASS s3cret\r\n");
  await play.stream.over;
  expect(sent(play)).toBe("PASS ******\r\n");
});

test("thousands of steps go out in order, below the gateway's frame rate", async () => {
  using page = await openPage();
  const lines = 5000;
  const numbers = Array.from({ length: lines }, (_, at) => at);
  let received = "";
  serve = (socket) => {
    socket.on("data", (bytes) => (received += String(bytes)));
    socket.on("end", () => socket.end(`got ${received.split("\n").length - 1}\n`));
  };
  const text = numbers.map((number) => `> ${number}`).join("\n");
  const play = page.start(`eol: LF\n${text}\nend\n< got ${lines}\n`);
  await play.over;
  expect(play.summary).toMatch(/^Held: 5,002 steps/);
  expect(received).toBe(numbers.map((number) => `${number}\n`).join(""));
});
