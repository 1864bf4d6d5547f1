import { describe, expect, test } from "vitest";
import { authenticationError, timestampOf } from "@wirebook/protocol";
import type { History } from "@wirebook/history";
import { dispatch } from "../src/request/operations.ts";
import type { OperationContext } from "../src/request/operations.ts";
import manifest from "../../../package.json" with { type: "json" };
import { Peer, ask } from "./tcp-peer.ts";
import { header, openRig } from "./server-fixture.ts";

/** The reply without its header, which must be there. */
async function response(port: number, message: string): Promise<string> {
  const reply = await ask(port, `${message}\n`);
  expect(reply.slice(0, header.length)).toBe(header);
  return reply.slice(header.length);
}

describe("an operation", () => {
  test("is none, and the reply is the link and the operations", async () => {
    await using rig = await openRig();
    expect(await response(rig.port, "brick")).toBe("");
  });

  test("2 answers the history, of which the request itself is the last line", async () => {
    await using rig = await openRig();
    await response(rig.port, "ada");
    const read = await response(rig.port, "brick 2");
    expect(read).toBe((await rig.lines()).map((line) => `${line}\n`).join(""));
    expect(await rig.asked()).toEqual(["ada", "brick 2"]);
  });

  test.each([
    ["2 2", ["b", "c", "x 2 2"]],
    ["2 2 3", ["b", "c"]],
    ["2 1 1", ["a"]],
    ["2 -2", ["c", "x 2 -2"]],
    ["2 -3 -2", ["b", "c"]],
    ["2 -99 2", ["a", "b"]],
    ["2 3 99", ["c", "x 2 3 99"]],
  ])("%s answers those lines", async (words, expected) => {
    await using rig = await openRig();
    for (const user of ["a", "b", "c"]) await response(rig.port, user);
    const read = await response(rig.port, `x ${words}`);
    expect(read.match(/"[^"]*"/g)).toEqual(expected.map((message) => JSON.stringify(message)));
  });

  test.each([
    ["2 snapshot", "1-4 of 4", ["a", "b", "c", "x 2 snapshot"]],
    ["2 2 snapshot", "2-4 of 4", ["b", "c", "x 2 2 snapshot"]],
    ["2 -3 -2 snapshot", "2-3 of 4", ["b", "c"]],
    ["2 1 99 snapshot", "1-4 of 4", ["a", "b", "c", "x 2 1 99 snapshot"]],
  ])("%s begins with the version that was read", async (words, version, expected) => {
    await using rig = await openRig();
    for (const user of ["a", "b", "c"]) await response(rig.port, user);
    const [first = "", ...lines] = (await response(rig.port, `x ${words}`)).split("\n");
    const time = timestampOf((await rig.lines()).at(-1) ?? "");
    expect(first).toBe(`Snapshot: ${version} at ${time}`);
    expect(lines.join("\n").match(/"[^"]*"/g)).toEqual(expected.map((message) => JSON.stringify(message)));
  });

  test("1 deletes that line and leaves one that says so", async () => {
    await using rig = await openRig();
    for (const user of ["a", "b", "c"]) await response(rig.port, user);
    const [, second = ""] = await rig.lines();
    expect(await response(rig.port, "brick 1 2")).toBe("Deleted line 2.\n");
    expect(await rig.asked()).toEqual(["a", "c", "brick 1 2"]);
    expect((await rig.lines()).at(-1)).toMatch(
      new RegExp(`^\\S+ 127\\.0\\.0\\.1 brick deleted line 2 \\(${second.split(" ")[0]}\\)$`),
    );
  });

  test("1 with the time of the line deletes it, and with another time does not", async () => {
    await using rig = await openRig();
    await response(rig.port, "a");
    await response(rig.port, "b");
    const [first = "", second = ""] = (await rig.lines()).map((line) => line.split(" ")[0]);
    expect(await response(rig.port, `brick 1 1 ${second}`)).toMatch(/^Error: .+\n$/);
    expect(await rig.asked()).toEqual(["a", "b", `brick 1 1 ${second}`]);
    expect(await response(rig.port, `brick 1 1 ${first}`)).toBe("Deleted line 1.\n");
  });

  test("3 replaces everything by one line that says by whom", async () => {
    await using rig = await openRig();
    await response(rig.port, "a");
    expect(await response(rig.port, "brick 3")).toBe("Deleted all.\n");
    const lines = await rig.lines();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\S+ 127\.0\.0\.1 brick deleted all$/);
  });

  test("6 answers how the server is", async () => {
    await using rig = await openRig();
    await ask(rig.port, "ghost~5ecret\n");
    await ask(rig.port, "brick 9\n");
    await response(rig.port, "brick");
    await rig.register("ada", "member");
    const follower = await Peer.connect(rig.port);
    await follower.write("eve 5\n");
    await follower.until("Following");
    const { lines, bytes } = rig.history.size();
    const status = await response(rig.port, "brick 6");
    follower.reset();
    expect(status.replace(/^uptime: \d+ s$/m, "uptime: 0 s").split("\n")).toEqual([
      `lines: ${lines + 1}`,
      `bytes: ${bytes + ((await rig.lines()).at(-1) ?? "").length + 1}`,
      "requests: 3",
      "users: 1",
      "followers: 1",
      "uptime: 0 s",
      `version: ${manifest.version}`,
      "engine: file",
      "",
    ]);
  });

  test("answers with the terminal told of it", async () => {
    await using rig = await openRig();
    await response(rig.port, "brick 2");
    await response(rig.port, "brick 1 9");
    await rig.server.stop();
    const events = rig.shown.map((event) =>
      event.event === "request" ? [event.message, event.outcome, event.code] : [],
    );
    expect(events).toEqual([
      ["brick 2", "read", undefined],
      ["brick 1 9", "error", "no-such-line"],
    ]);
  });
});

describe("operation 7", () => {
  test("moves the first lines into a file beside, and names it", async () => {
    await using rig = await openRig();
    for (const user of ["a", "b"]) await response(rig.port, user);
    const text = await response(rig.port, "brick 7 2");
    const name = /^Archived lines 1-1 in (?<name>\S+)\.\n$/.exec(text)?.groups?.["name"] ?? "";
    expect(await rig.asked()).toEqual(["b", "brick 7 2"]);
    expect((await rig.lines()).at(-1)).toMatch(new RegExp(` brick archived lines 1-1 in ${name}$`));
    expect(await response(rig.port, "brick 7 1d")).toBe("Archived no line, since all are to be kept.\n");
  });

  test("on a history that is in no file says what to do there", async () => {
    await using rig = await openRig();
    const history = Object.create(rig.history, { archive: { value: undefined } }) as History;
    const context = { ...rig, history } as unknown as OperationContext;
    const by = { user: "brick", address: "::1" };
    await expect(dispatch({ verb: "archive", keep: { lines: 0 } }, by, context)).rejects.toMatchObject({
      code: "no-archive",
      message: expect.stringContaining("wirebook history export FILE, and then delete lines with 1 or 3") as string,
    });
  });
});

describe("a mistake", () => {
  test.each([
    ["brick 1", "operation 1 takes 1 to 2 arguments, not 0; type: 1 N [TIME]"],
    ["brick 3 now", "operation 3 takes no arguments, not 1; type: 3"],
    ["brick 1 0", "N is 0, and the first line is 1; type a number from 1"],
    ["brick 1 -1", "N is -1, and the first line is 1; type a number from 1"],
    ["brick 2 ten", 'FROM is "ten", not a line number; type a number such as 12'],
    ["brick 9", '"9" is no operation; type 1, 2, 3, 4, 5 or 6 after your username'],
    ["brick two", '"two" is no operation; type 1, 2, 3, 4, 5 or 6 after your username'],
    ["", "the message is empty; type a username, for example: brick 2"],
    ["   ", "the message is empty; type a username, for example: brick 2"],
    ["-brick 2", '"-brick" is no username; type at most 64 letters, digits, dots, hyphens and underscores'],
  ])("%j is answered with a sentence, and nothing but its own line is written", async (message, sentence) => {
    await using rig = await openRig();
    await response(rig.port, "a");
    expect(await response(rig.port, message)).toBe(`Error: ${sentence}\n`);
    expect(await rig.asked()).toEqual(["a", message]);
    expect(await rig.lines()).toHaveLength(2);
  });

  test.each(["brick 1 5", "brick 2 5", "brick 2 2 1", "brick 2 5 snapshot", "brick 5 9"])(
    "%j is past what there is",
    async (message) => {
      await using rig = await openRig();
      await response(rig.port, "a");
      expect(await response(rig.port, message)).toMatch(/^Error: .*\d.*\n$/);
      expect(await rig.lines()).toHaveLength(2);
    },
  );
});

describe("a name with a key", () => {
  test("is unknown, and the whole reply says so", async () => {
    await using rig = await openRig();
    expect(await ask(rig.port, "brick~5ecret 3\n")).toBe(authenticationError);
  });

  test("leaves a line without the key, and the terminal shows none", async () => {
    await using rig = await openRig();
    await ask(rig.port, "brick~5ecret 3\n");
    await ask(rig.port, "  brick~5ecret~more 2 x\n");
    await rig.server.stop();
    expect(await rig.asked()).toEqual(["brick 3", "  brick 2 x"]);
    expect(JSON.stringify(rig.shown)).not.toContain("5ecret");
  });
});
