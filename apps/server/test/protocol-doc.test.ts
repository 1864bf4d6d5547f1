/** The tables of errors and limits in docs/reference say what the server does. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { proxyHeaderBytesMax } from "@wirebook/net";
import * as protocol from "@wirebook/protocol";
import { historyErrorCodes, HistoryError, UsersError, usersErrorCodes } from "@wirebook/history";
import { HeldClock } from "../../../tests/interop/held-clock.ts";
import { serverErrorCodes, toErrorResponse } from "../src/errors.ts";
import { limitsDefault } from "../src/limits.ts";
import { Peer, ask } from "./tcp-peer.ts";
import { openRig } from "./server-fixture.ts";

const doc = ["errors.md", "limits.md"]
  .map((name) => readFileSync(new URL(`../../../docs/reference/${name}`, import.meta.url), "utf8"))
  .join("\n");

/** The cells of the rows of the table under a heading, without the head of the table. */
function table(heading: string): string[][] {
  const section = doc.slice(doc.indexOf(`\n${heading}\n`)).split(/\n#+ /)[1] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

function codesIn(heading: string): string[] {
  return table(heading).map(([code = ""]) => code.replaceAll("`", ""));
}

function sentence(heading: string, code: string): string | undefined {
  return table(heading).find(([cell]) => cell === `\`${code}\``)?.[2];
}

const count = (value: number): string => value.toLocaleString("en-US");
const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;

describe("errors and limits of the server", () => {
  test("lists every code with which the history can answer a request, and no other", () => {
    const ours = historyErrorCodes.filter((code) => code !== "closed" && code !== "in-use");
    expect(codesIn("### What the history can answer").toSorted()).toEqual([...ours].toSorted());
  });

  test.each(["storage-full", "storage-failed", "storage-unavailable"] as const)("has the sentence for %s", (code) => {
    const found = sentence("### What the history can answer", code);
    expect(toErrorResponse(new HistoryError(code, "/secret/path")).sentence).toBe(found);
  });

  test("lists every code with which the users can answer a request, and no other", () => {
    const ours = usersErrorCodes.filter((code) => code !== "no-such-user");
    expect(codesIn("### What the users can answer")).toEqual(ours);
  });

  test.each(["users-busy", "users-failed"] as const)("has the sentence for %s", (code) => {
    const found = sentence("### What the users can answer", code);
    expect(toErrorResponse(new UsersError(code, "/secret/path")).sentence).toBe(found);
  });

  test("has the sentences about a name that is taken, a role that is lacking and too many wrong keys", async () => {
    await using rig = await openRig({ guessesHeldEachMax: 0 }, { mode: "registered" });
    const otter = await rig.register("otter-42", "member");
    const answer = async (message: string): Promise<string | undefined> =>
      (await ask(rig.port, `${message}\n`)).split("Error: ")[1]?.trimEnd();
    expect(await answer(`${otter} 4 otter-42`)).toBe(sentence("### What the users can answer", "name-taken"));
    const heading = "### What the server can answer";
    expect(await answer(`${otter} 1 1`)).toBe(sentence(heading, "role-lacking"));
    expect(await answer("otter-42~x")).toBe(sentence(heading, "guesses-max")?.replace("8 wrong", "0 wrong"));
  });

  test("lists every code of the server's own, and no other", () => {
    expect(codesIn("### What the server can answer").toSorted()).toEqual([...serverErrorCodes, "internal"].toSorted());
  });

  test("has the server's own sentences", async () => {
    const heading = "### What the server can answer";
    expect(toErrorResponse(new TypeError("a fault")).sentence).toBe(sentence(heading, "internal"));
    expect(toErrorResponse(new HistoryError("closed", "closed")).sentence).toBe(sentence(heading, "stopping"));
    await using rig = await openRig({ connectionsMax: 1, followersMax: 0 });
    const first = await Peer.connect(rig.port);
    const second = await Peer.connect(rig.port);
    const full = (await second.outcome).text;
    expect(full.split("Error: ")[1]?.trimEnd()).toBe(sentence(heading, "connections-max")?.replace("1024", "1"));
    await using narrow = await openRig({ connectionsPerAddressMax: 1 });
    const only = await Peer.connect(narrow.port);
    const another = await Peer.connect(narrow.port);
    const crowd = (await another.outcome).text.split("Error: ")[1]?.trimEnd();
    expect(crowd).toBe(sentence(heading, "address-max")?.replace("512", "1"));
    only.reset();
    await first.write("brick 5\n");
    const crowded = (await first.outcome).text;
    expect(crowded.split("Error: ")[1]?.trimEnd()).toBe(sentence(heading, "followers-max")?.replace("512", "0"));
  });

  test("has the sentence for proxy-header", async () => {
    await using rig = await openRig({}, { trustedProxies: ["127.0.0.1"] });
    const text = await ask(rig.port, "brick 2\n");
    expect(text.split("Error: ")[1]?.trimEnd()).toBe(sentence("### What the server can answer", "proxy-header"));
  });

  test.each([
    ["message-unfinished", ""],
    ["message-unterminated", "brick 1 1"],
  ])("has the sentence for %s", async (code, message) => {
    using clock = new HeldClock();
    // The server accepts in the order of the connections, and reads in that order.
    await using rig = await openRig({ messageDeadlineMs: 100 });
    const peer = await Peer.connect(rig.port);
    if (message !== "") await peer.write(message);
    await ask(rig.port, "other\n"); // By now the server has read it.
    clock.pass(100);
    const { text } = await peer.outcome;
    const found = sentence("### What a client can do wrong", code)?.replace("10000 ms", "100 ms");
    expect(text.split("Error: ")[1]?.trimEnd()).toBe(found);
  });

  test("has every limit as the code has it", () => {
    const limits = Object.fromEntries(table("## The server").map(([name = "", value = ""]) => [name, value]));
    expect(limits).toEqual({
      "bytes of a message": count(protocol.messageBytesMax),
      "characters of a word that an error repeats": count(protocol.quotedCharactersMax),
      "silence that ends a message": `${limitsDefault.messageSilenceMs} ms`,
      "time for a message": seconds(limitsDefault.messageDeadlineMs),
      "bytes kept of a refused message": count(protocol.refusedBytesKept),
      "characters of a name": count(protocol.nameCharactersMax),
      arguments: count(protocol.argumentsMax),
      "lines of operations in a reply": count(protocol.operationLinesMax),
      "bytes of a line in a reply's header": count(protocol.replyHeaderLineBytesMax),
      "silence on a follow until the kernel asks": seconds(limitsDefault.followKeepAliveMs),
      "time between checks of a follow, after FIN": seconds(limitsDefault.followLookMs),
      "time without progress while sending a reply": seconds(limitsDefault.replyStallMs),
      "time to linger": seconds(limitsDefault.lingerMs),
      "bytes thrown away behind a message": count(limitsDefault.discardedBytesMax),
      connections: count(limitsDefault.connectionsMax),
      "connections from one address": count(limitsDefault.connectionsPerAddressMax),
      follows: count(limitsDefault.followersMax),
      "time for messages at the stop": seconds(limitsDefault.drainMessageMs),
      "bytes of a PROXY header": count(proxyHeaderBytesMax),
      "time for everything at the stop": seconds(limitsDefault.drainMs),
    });
  });
});
