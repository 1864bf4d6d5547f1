import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  authenticationError,
  decodeAnnouncement,
  decodeFollowing,
  decodeSnapshotHeader,
  encodeAnnouncement,
  encodeReplyHeader,
  encodeFollowing,
  encodeSnapshotHeader,
  operations,
  ReplyReader,
} from "@wirebook/protocol";
import type { ReplyHeader } from "@wirebook/protocol";

const encoder = new TextEncoder();
const announced = operations.map(({ number, purpose, parameters }) => ({ number, purpose, parameters }));

/** Feeds a reply in chunks of one size and joins what comes out. */
function readReply(reply: string, size: number): { header: ReplyHeader | undefined; response: string } {
  const reader = new ReplyReader();
  const whole = encoder.encode(reply);
  let header: ReplyHeader | undefined;
  const response: number[] = [];
  const parts = [];
  for (let at = 0; at < whole.length; at += size) parts.push(reader.push(whole.subarray(at, at + size)));
  for (const part of [...parts, reader.finish()]) {
    header ??= part.header;
    response.push(...part.response);
  }
  return { header, response: new TextDecoder().decode(Uint8Array.from(response)) };
}

const referenceHeader = [
  "https://example.org/origin",
  "",
  "Operations: ",
  " To delete a line, enter 1 and its number after your username",
  " To see the history, enter 2 after your username",
  " To delete everything, enter 3 after your username",
  "",
].join("\n");

describe("ReplyReader", () => {
  test("tells the header from the response, however the reply is cut", () => {
    const header = { link: "https://example.org/wirebook", operations: announced };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.string(), (size, response) => {
        fc.pre(response.isWellFormed());
        expect(readReply(`${encodeReplyHeader(header)}x${response}`, size)).toEqual({
          header,
          response: `x${response}`,
        });
      }),
    );
  });

  test("understands the reference server's wording", () => {
    const { header, response } = readReply(`${referenceHeader}delete_all by brick at 2021\n`, 10);
    expect(header?.link).toBe("https://example.org/origin");
    expect(header?.operations.map(({ number, purpose }) => [number, purpose])).toEqual([
      [1, "delete a line"],
      [2, "see the history"],
      [3, "delete everything"],
    ]);
    expect(response).toBe("delete_all by brick at 2021\n");
  });

  test("gives the response while the reply is still coming", () => {
    const reader = new ReplyReader();
    const part = reader.push(encoder.encode(`${encodeReplyHeader({ link: "x", operations })}2`));
    expect(part.header?.operations).toEqual(announced);
    expect(new TextDecoder().decode(part.response)).toBe("2");
  });

  test("ends the header at a line that imitates an announcement", () => {
    const imitation = " To be or not, enter 2 after your username\n";
    const { response } = readReply(`${encodeReplyHeader({ link: "x", operations })}${imitation}`, 5);
    expect(response).toBe(imitation);
  });

  test.each([authenticationError, "", "\n", "220 ready\r\n", "a\n\nOperations: \n", "a\nb\n"])(
    "takes %j for a response alone",
    (reply) => {
      for (const size of [1, 3, 100]) expect(readReply(reply, size)).toEqual({ header: undefined, response: reply });
    },
  );

  test("holds back no more than a line of the header may have", () => {
    const reader = new ReplyReader();
    let given = 0;
    for (let sent = 0; sent < 8; sent++) given += reader.push(new Uint8Array(1024).fill(0x61)).response.length;
    expect(given).toBe(8 * 1024);
  });
});

describe("announcements", () => {
  test("are read as they are written", () => {
    for (const { number, purpose, parameters } of operations) {
      expect(decodeAnnouncement(encodeAnnouncement({ number, purpose, parameters }))).toEqual({
        number,
        purpose,
        parameters,
      });
    }
  });

  test("keep the origin's form", () => {
    expect(operations.map(encodeAnnouncement)).toEqual([
      " To delete line N, enter 1 after your username, then N [TIME]",
      " To read the history, enter 2 after your username, then [FROM] [TO] [snapshot]",
      " To delete all, enter 3 after your username",
      " To create a user, enter 4 after your username, then [NAME]",
      " To follow the history, enter 5 after your username, then [FROM]",
      " To read the status, enter 6 after your username",
    ]);
  });

  test("say from which line a feed follows", () => {
    expect(decodeFollowing(encodeFollowing(12).trimEnd())).toBe(12);
    expect(decodeFollowing("Following the white rabbit.")).toBeUndefined();
  });

  test.each([
    { from: 3, to: 9, lines: 12, time: "2026-11-22T20:31:05.123456Z" },
    { from: 1, to: 0, lines: 0, time: "1970-01-01T00:00:00.000000Z" },
  ])("say which version of the history was read: %o", (header) => {
    const line = encodeSnapshotHeader(header);
    expect(line).toBe(`Snapshot: ${header.from}-${header.to} of ${header.lines} at ${header.time}\n`);
    expect(decodeSnapshotHeader(line.trimEnd())).toEqual(header);
  });

  test.each([
    "Snapshot: 3-9 of 12",
    "Snapshot: 3-9 of 12 at noon",
    "Snapshot: -3-9 of 12 at 2026-11-22T20:31:05.123456Z",
  ])("do not take %j for a version", (line) => expect(decodeSnapshotHeader(line)).toBeUndefined());
});
