/** The examples of docs/reference/scenarios.md, played against small targets. */

import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseScenario } from "../src/index.ts";
import type { Scenario } from "../src/index.ts";
import { answerLines, playOverTcp, serve } from "./play-over-tcp.ts";

const docs = readFileSync(join(import.meta.dirname, "../../../docs/reference/scenarios.md"), "utf8");
const examples = [...docs.matchAll(/^```wire\n(.*?)^```$/gms)].map(([, text = ""]) => text);

const values = { user: "ada", password: "pw", key: "secret" };

function mail(): (socket: Socket) => void {
  let isData = false;
  return answerLines("220 mx.example ESMTP\r\n", (line) => {
    if (isData) {
      isData = line !== ".";
      return isData ? "" : "250 queued\r\n";
    }
    const verb = line.split(/[ :]/)[0] ?? "";
    isData = verb === "DATA";
    const replies: Record<string, string> = {
      EHLO: "250-mx.example\r\n250-PIPELINING\r\n250 HELP\r\n",
      MAIL: "250 ok\r\n",
      RCPT: "250 ok\r\n",
      DATA: "354 go on\r\n",
    };
    return replies[verb] ?? { last: "221 mx.example bye\r\n" };
  });
}

function redis(): (socket: Socket) => void {
  const queue: string[] = [];
  let isQueueing = false;
  return answerLines("", (line) => {
    if (line === "EXEC") {
      isQueueing = false;
      return `*${queue.length}\r\n${queue.map((_, index) => `:${index + 7}\r\n`).join("")}`;
    }
    if (isQueueing) {
      queue.push(line);
      return "+QUEUED\r\n";
    }
    isQueueing = line === "MULTI";
    return line === "MULTI" || line === "SET first 7" ? "+OK\r\n" : "-ERR\r\n";
  });
}

const imap = answerLines("* OK ready\r\n", (line) => {
  if (line === "a1 LOGIN ada pw") return "* CAPABILITY IMAP4rev1\r\na1 OK in\r\n";
  if (line === "a2 SELECT INBOX") return "* 3 EXISTS\r\n* 0 RECENT\r\na2 OK done\r\n";
  return { last: "* BYE\r\na3 OK out\r\n" };
});

const web = answerLines("", (line) =>
  line === "" ? { last: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" } : "",
);

const queue = answerLines("", (line) => {
  if (line === "hello") return "INSERTED 17\r\n";
  return line === "delete 17" ? "DELETED\r\n" : "";
});

const wirebook = answerLines("", (line) => {
  const request = line === "ada~secret 2 -1" ? "ada 2 -1" : "wrong";
  return { last: `\nOperations: \n To read\n2026-11-29T01:02:03.000001Z 127.0.0.1 "${request}"\n` };
});

const shell = answerLines("\xff\xfd\x01login: ", (line) => {
  if (line === "\xff\xfb\x01ada") return "password: ";
  return line === "pw" ? "Welcome, ada.\n" : { last: "" };
});

const targets: Record<string, (socket: Socket) => void> = {
  mail: (socket) => mail()(socket),
  redis: (socket) => redis()(socket),
  imap,
  web,
  queue,
  wirebook,
  shell,
};

function parse(text: string): Scenario {
  const parsed = parseScenario(text);
  if ("problems" in parsed) throw new Error(`${text}\n${JSON.stringify(parsed.problems)}`);
  return parsed.scenario;
}

test("the documentation has an example for each target", () => {
  expect(new Set(examples.map((text) => parse(text).target))).toEqual(new Set(Object.keys(targets)));
});

test.each(examples)("an example holds:\n%s", async (text) => {
  const scenario = parse(text);
  await using target = await serve(targets[scenario.target ?? ""] as (socket: Socket) => void);
  const player = await playOverTcp(scenario, target.port, values);
  expect(player.verdict).toEqual({ kind: "held" });
  expect(player.results).toHaveLength(scenario.steps.length);
});

test("an example fails where a target answers otherwise, with the bytes that decided it", async () => {
  const scenario = parse(examples.find((text) => text.includes("MULTI")) ?? "");
  await using target = await serve(answerLines("", () => "+QUEUED\r\n"));
  const { verdict, results } = await playOverTcp(scenario, target.port, values);
  expect(verdict).toMatchObject({
    kind: "failed",
    line: 3,
    sentence: "expected `+OK`, got `+QUEUED`",
  });
  expect(results.at(-1)).toMatchObject({ state: "failed", from: 0, to: 9, isFromTarget: true });
});

test("RST is expected, met and sent", async () => {
  const { promise: isReset, resolve } = Promise.withResolvers<unknown>();
  await using target = await serve((socket) => {
    socket.on("error", resolve);
    socket.once("data", () => socket.write("bye\n"));
    socket.on("data", (bytes) => bytes.includes("leave") && socket.resetAndDestroy());
  });
  const leave = await playOverTcp(parse("> hello\n< bye\n> leave\n<* RST"), target.port, {});
  expect(leave.verdict).toEqual({ kind: "held" });
  const fails = await playOverTcp(parse("> hello\n< bye\n> leave\n< *"), target.port, {});
  expect(fails.verdict).toMatchObject({ sentence: "expected `*`, got RST" });
  expect((await playOverTcp(parse("> hello\n< bye\nreset"), target.port, {})).verdict).toEqual({ kind: "held" });
  expect(await isReset).toMatchObject({ code: "ECONNRESET" });
});
