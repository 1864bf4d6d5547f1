import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeCommand,
  decodeMessage,
  encodeMessage,
  foldName,
  isDestructive,
  isName,
  messageBytesMax,
  nameCharactersMax,
  ProtocolError,
} from "@wirebook/protocol";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function failure(action: () => unknown): { code: string; message: string } {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("decodeMessage", () => {
  test("splits on any white space", () => {
    expect(decodeMessage(bytes("  brick \t 1   12 "))).toEqual({ user: "brick", key: undefined, words: ["1", "12"] });
  });

  test("takes the key off the name", () => {
    expect(decodeMessage(bytes("otter-42~s3cret~x 2"))).toEqual({ user: "otter-42", key: "s3cret~x", words: ["2"] });
  });

  test("refuses an HTTP request line before anything else", () => {
    expect(failure(() => decodeMessage(bytes("POST /brick HTTP/1.1"))).code).toBe("http");
    expect(failure(() => decodeMessage(bytes("brick 3 HTTP/1.0"))).code).toBe("http");
  });

  test("refuses what is not UTF-8, what is empty and what is no name", () => {
    expect(failure(() => decodeMessage(Uint8Array.of(0x62, 0xff))).code).toBe("message-encoding");
    expect(failure(() => decodeMessage(bytes(" \t"))).code).toBe("message-empty");
    expect(failure(() => decodeMessage(bytes('"brick" 2')))).toEqual({
      code: "user-syntax",
      message: '"\\"brick\\"" is no username; type at most 64 letters, digits, dots, hyphens and underscores',
    });
  });

  test("takes a message at the limit and refuses one past it", () => {
    const words = `brick 2 ${"1".repeat(messageBytesMax)}`;
    expect(decodeMessage(bytes(words.slice(0, messageBytesMax))).user).toBe("brick");
    expect(failure(() => decodeMessage(bytes(words.slice(0, messageBytesMax + 1)))).code).toBe("message-too-long");
  });

  test("throws nothing but ProtocolError, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (line) => {
        try {
          decodeCommand(decodeMessage(line).words);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("decodeCommand", () => {
  test.each([
    [[], { verb: "list" }],
    [["1", "12"], { verb: "delete-line", line: 12, time: undefined }],
    [
      ["1", "12", "2026-11-22T20:30:00.000001Z"],
      { verb: "delete-line", line: 12, time: "2026-11-22T20:30:00.000001Z" },
    ],
    [["2"], { verb: "read", from: undefined, to: undefined, isSnapshot: false }],
    [["2", "-100"], { verb: "read", from: -100, to: undefined, isSnapshot: false }],
    [["2", "3", "9"], { verb: "read", from: 3, to: 9, isSnapshot: false }],
    [["2", "snapshot"], { verb: "read", from: undefined, to: undefined, isSnapshot: true }],
    [["2", "-100", "snapshot"], { verb: "read", from: -100, to: undefined, isSnapshot: true }],
    [["2", "3", "9", "snapshot"], { verb: "read", from: 3, to: 9, isSnapshot: true }],
    [["3"], { verb: "delete-all" }],
    [["4"], { verb: "create-user", name: undefined }],
    [["4", "otter-42"], { verb: "create-user", name: "otter-42" }],
    [["5", "7"], { verb: "follow", from: 7 }],
    [["6"], { verb: "status" }],
    [["7"], { verb: "archive", keep: { lines: 0 } }],
    [["7", "1000"], { verb: "archive", keep: { lines: 1000 } }],
    [["7", "30d"], { verb: "archive", keep: { days: 30 } }],
  ])("reads %j", (words, command) => {
    expect(decodeCommand(words)).toEqual(command);
  });

  test.each([
    [["x"], "operation-unknown", '"x" is no operation; type 1, 2, 3, 4, 5 or 6 after your username'],
    [["9"], "operation-unknown", '"9" is no operation; type 1, 2, 3, 4, 5 or 6 after your username'],
    [["1"], "argument-count", "operation 1 takes 1 to 2 arguments, not 0; type: 1 N [TIME]"],
    [["3", "1"], "argument-count", "operation 3 takes no arguments, not 1; type: 3"],
    [["6", "now"], "argument-count", "operation 6 takes no arguments, not 1; type: 6"],
    [
      ["4", "otter~5ecret"],
      "argument-syntax",
      'NAME is "otter~…", no username; type at most 64 letters, digits, dots, hyphens and underscores, without a key',
    ],
    [["2", "brick~5ecret"], "argument-syntax", 'FROM is "brick~…", not a line number; type a number such as 12'],
    [["brick~5ecret"], "operation-unknown", '"brick~…" is no operation; type 1, 2, 3, 4, 5 or 6 after your username'],
    [
      ["7", "-5"],
      "argument-syntax",
      'KEEP is "-5", no number of lines or days; type a number of lines such as 1000, or of days such as 30d',
    ],
    [["7", "0d"], "argument-range", "KEEP is 0d; type days from 1d to 36500d"],
    [["7", "36501d"], "argument-range", "KEEP is 36501d; type days from 1d to 36500d"],
    [["1", "two"], "argument-syntax", 'N is "two", not a line number; type a number such as 12'],
    [["1", "-1"], "argument-range", "N is -1, and the first line is 1; type a number from 1"],
    [
      ["2", "x".repeat(40)],
      "argument-syntax",
      `FROM is "${"x".repeat(40)}", not a line number; type a number such as 12`,
    ],
    [
      ["2", "x".repeat(1990)],
      "argument-syntax",
      `FROM is "${"x".repeat(40)}…", not a line number; type a number such as 12`,
    ],
    [["2", "0"], "argument-range", "FROM is 0, and the first line is 1; type a number from 1"],
    [
      ["2", "snapshot", "3"],
      "argument-syntax",
      "only the word snapshot may follow FROM and TO, and it comes last; type: 2 [FROM] [TO] [snapshot]",
    ],
    [
      ["2", "1", "3", "5"],
      "argument-syntax",
      "only the word snapshot may follow FROM and TO, and it comes last; type: 2 [FROM] [TO] [snapshot]",
    ],
    [
      ["2", "1", "3", "5", "snapshot"],
      "argument-count",
      "operation 2 takes 0 to 3 arguments, not 4; type: 2 [FROM] [TO] [snapshot]",
    ],
    [["2", "1e3"], "argument-syntax", 'FROM is "1e3", not a line number; type a number such as 12'],
  ])("refuses %j", (words, code, message) => {
    expect(failure(() => decodeCommand(words))).toEqual({ code, message });
  });

  test("knows which operations destroy, whatever their arguments", () => {
    expect(isDestructive(["1"])).toBe(true);
    expect(isDestructive(["3"])).toBe(true);
    expect(isDestructive(["2", "1"])).toBe(false);
    expect(isDestructive([])).toBe(false);
  });
});

describe("encodeMessage", () => {
  test("writes what decodeMessage reads", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/),
        fc.integer({ min: 1, max: 9 }),
        fc.integer(),
        (user, number, line) => {
          const text = encodeMessage(user, number, [line]);
          expect(text.endsWith("\n")).toBe(true);
          expect(decodeMessage(bytes(text.slice(0, -1)))).toEqual({
            user,
            key: undefined,
            words: [String(number), String(line)],
          });
        },
      ),
    );
  });

  test("cannot be made to write two lines", () => {
    expect(failure(() => encodeMessage("brick\nbrick 3")).code).toBe("argument-syntax");
    expect(failure(() => encodeMessage("brick", 1, ["12\r\nx"])).code).toBe("argument-syntax");
    expect(failure(() => encodeMessage("brick", 1, [""])).code).toBe("argument-syntax");
  });
});

describe("names and keys", () => {
  test("takes a name at the limit and refuses one past it", () => {
    expect(isName("é".repeat(nameCharactersMax))).toBe(true);
    expect(isName("é".repeat(nameCharactersMax + 1))).toBe(false);
  });

  test.each(["\ufe0f", "\u034f", "\u180b", "\u17b4", "\u{e0100}", "\u3164", "\u115f", "\u1160", "\uffa0"])(
    "takes no name with the invisible character %j, alone, at the end or in the middle",
    (invisible) => {
      for (const name of [invisible, `otter${invisible}`, `ot${invisible}ter`]) expect(isName(name)).toBe(false);
      expect(isName("otter")).toBe(true);
    },
  );

  test("tells names apart by neither case nor composition", () => {
    expect(foldName("Zo\u00eb")).toBe(foldName("zoe\u0308"));
    expect(foldName("otter-42")).not.toBe(foldName("otter-43"));
  });

  test("takes nothing for a name that looks like a key", () => {
    expect(isName("7d2mqk0x9rcv41hzw8tbn53yfe")).toBe(false);
    expect(failure(() => decodeMessage(bytes("7d2mqk0x9rcv41hzw8tbn53yfe! 2"))).message).toContain(
      '"…!" is no username',
    );
  });
});
