/** Clients that this project did not write, directly and through a listening port: they notice nothing, and a page sees all of it. */

import { expect, test } from "vitest";
import { debianEnvironment, findProgram } from "../../scripts/debian-programs.mjs";
import { PageClient } from "../../test-support/page-client.ts";
import { referenceClientPath, startGateway, startReferenceServer } from "../../test-support/programs.ts";
import { findPython } from "../../test-support/python.ts";
import { run } from "../../test-support/run.ts";
import { describeWith } from "../../test-support/services/describe-with.ts";
import { startRedis } from "../../test-support/services/redis.ts";
import type { WatchedFlow } from "../../test-support/watched-flows.ts";

const python = findPython();

/** A gateway that listens for a target on a free port, and a page that watches. */
async function openListening(name: string, address: string) {
  await using made = new AsyncDisposableStack();
  const options = ["--target", `${name}=tcp://${address}`, "--listen", `0=${name}`];
  const gateway = made.use(await startGateway({ options }));
  const page = made.use(await PageClient.open(gateway.address));
  page.send({ type: "watch" });
  const { listening } = await page.frame("hello");
  const over = (index: number): Promise<WatchedFlow> =>
    page.until(() => {
      const flow = page.flows.at(index);
      return flow?.last === undefined ? undefined : flow;
    });
  const held = made.move();
  return { port: String(listening[0]?.port), over, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Both directions of a flow, and how its legs ended. */
function contentOf({ record }: WatchedFlow): { sent: string; received: string; ends: readonly string[] } {
  const join = (events: typeof record.events): string =>
    Buffer.concat(events.map(({ bytes }) => bytes ?? new Uint8Array(0))).toString();
  const ends = record.events.filter(({ kind }) => kind === "fin" || kind === "rst");
  return {
    sent: join(record.writes),
    received: join(record.reads),
    ends: ends.map(({ kind, leg, isFromTarget }) => `${kind} ${leg} ${isFromTarget ? "<" : ">"}`).toSorted(),
  };
}

/** A command as redis-cli sends it: each word is `$`, its length in bytes, and itself. */
function toResp(command: string): string {
  const words = command.split(" ").map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${words.join("")}`;
}

const finOfAll = ["fin client <", "fin client >", "fin target <", "fin target >"];

describeWith(["redis-server", "redis-cli"], "redis-cli", () => {
  test("prints the same through a listening port, and a page sees each command and reply", async () => {
    await using redis = await startRedis();
    await using open = await openListening("redis", `127.0.0.1:${redis.port}`);
    const value = "é".repeat(50_000);
    const commands = [
      `SET long ${value}`,
      "GET long",
      "MULTI",
      "INCR n",
      "EXEC",
      "LRANGE none 0 -1",
      "DEL n",
      "NOSUCH",
    ];
    const client = findProgram("redis-cli") ?? "redis-cli";
    const ask = (port: string) => run(client, ["-p", port], `${commands.join("\n")}\n`, debianEnvironment());
    const directly = await ask(String(redis.port));
    expect(directly.stdout).toContain(value);
    expect(await ask(open.port)).toEqual(directly);
    const { sent, received, ends } = contentOf(await open.over(0));
    expect(sent.endsWith(commands.map(toResp).join(""))).toBe(true);
    expect(received).toContain(
      `+OK\r\n$${Buffer.byteLength(value)}\r\n${value}\r\n+OK\r\n+QUEUED\r\n*1\r\n:1\r\n*0\r\n:1\r\n-ERR`,
    );
    expect(ends).toEqual(finOfAll);
  });
});

test.skipIf(python === undefined)("the reference client gets the same through a listening port", async () => {
  await using server = await startReferenceServer(python ?? "");
  await using open = await openListening("logbook", server.address);
  const ask = async (port: string, ...words: string[]): Promise<string> => {
    const { stdout, stderr } = await run(python ?? "", [referenceClientPath, server.host, port, ...words]);
    expect(stderr).toBe("");
    return stdout;
  };
  expect(await ask(open.port, "brick")).toBe(await ask(String(server.port), "brick"));
  const received = await ask(open.port, "otter", "2");
  const contents = [contentOf(await open.over(0)), contentOf(await open.over(1))];
  expect(contents.map(({ sent }) => sent)).toEqual(["brick\n", "otter 2\n"]);
  expect(received).toBe(`Sent:     otter 2\nReceived: ${contents[1]?.received}\n`);
  expect(contents.map(({ ends }) => ends)).toEqual([finOfAll, finOfAll]);
});
