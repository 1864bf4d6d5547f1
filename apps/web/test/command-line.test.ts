import { decodeBase64 } from "@wirebook/capture";
import { decodeByteFrame, decodeText, encodeText, firstBytesMax, operations as specs } from "@wirebook/protocol";
import type { PageFrame } from "@wirebook/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { CommandLine, recalledMax } from "../src/conversation/command-line.svelte.ts";
import { Identity } from "../src/conversation/identity.svelte.ts";
import { encodeHex } from "../src/conversation/line-bytes.ts";
import type { Hello } from "../src/gateway/connection.svelte.ts";
import { Operations } from "../src/streams/operations.svelte.ts";
import { Streams } from "../src/streams/streams.svelte.ts";
import { readOf, writtenOf } from "./gateway-peer.ts";

const targets = [
  { name: "mail", transport: "tcp", address: "127.0.0.1:25", proxyHeaderBytes: 0 },
  { name: "wirebook", transport: "tcp", address: "127.0.0.1:5007", proxyHeaderBytes: 0 },
] as const;

/** A page in front of a gateway that answers nothing by itself. */
function openPage(names: readonly string[] = ["mail", "wirebook"]) {
  /** What was sent: frames as they are, and the bytes of byte frames. */
  const sent: (PageFrame | string)[] = [];
  const state = { isOpen: true };
  const connection = {
    clock: undefined,
    hello: { targets: targets.filter(({ name }) => names.includes(name)) } as unknown as Hello,
    send(frame: PageFrame) {
      if (!state.isOpen) return undefined;
      sent.push(frame);
      return { atMs: 0, text: "" };
    },
    sendBytes(frame: Uint8Array<ArrayBuffer>) {
      const decoded = decodeByteFrame(frame);
      sent.push(typeof decoded === "string" ? decoded : decodeText(decoded.bytes));
      return 0;
    },
  };
  const operations = new Operations();
  operations.list = specs;
  const streams = new Streams(connection, () => {});
  const identity = new Identity(() => {});
  const line = new CommandLine({ operations, identity, streams }, () => {});
  const type = (text: string) => {
    line.text = text;
    line.send();
  };
  /** The bytes of the newest `connect`, as text. */
  const connected = () => {
    const frame = sent.findLast((each) => typeof each !== "string" && each.type === "connect");
    return frame !== undefined && typeof frame !== "string" && frame.type === "connect"
      ? { target: frame.target, text: decodeText(decodeBase64(frame.bytes)), end: frame.end }
      : undefined;
  };
  return { sent, state, streams, identity, line, type, connected };
}

let page: ReturnType<typeof openPage>;
beforeEach(() => (page = openPage()));

describe("a line for the server", () => {
  test("goes as a request when the gateway makes the same bytes of it", () => {
    page.type(" brick 2 -10 ");
    expect(page.sent).toEqual([{ type: "request", id: 1, user: "brick", operation: 2, arguments: ["-10"] }]);
    expect(page.line.text).toBe("brick ");
  });

  test("goes as its own bytes when it is a message that no request says", () => {
    page.type("brick  2");
    expect(page.connected()).toEqual({ target: "wirebook", text: "brick  2\n", end: false });
  });

  test("is not sent while the protocol refuses it, and is with Send anyway", () => {
    page.type("brick 2 0");
    expect([page.sent, page.line.text]).toEqual([[], "brick 2 0"]);
    expect(page.line.problem).toBe("FROM is 0, and the first line is 1; type a number from 1");
    page.line.send(true);
    expect(page.connected()).toEqual({ target: "wirebook", text: "brick 2 0\n", end: false });
  });

  test("has the key of its name, which no other target gets", () => {
    page.identity.keyring.keep("otter~s3cret");
    page.type("otter 6");
    expect(page.sent).toMatchObject([{ type: "request", user: "otter~s3cret", operation: 6 }]);
    page.line.choose("mail");
    page.type("otter 6");
    expect(page.connected()?.text).toBe("otter 6\r\n");
  });

  test("is recalled with the name, without the key that was typed with it", () => {
    page.type("otter~s3cret 2");
    expect(page.line.text).toBe("otter ");
    page.line.recall(-1);
    expect(page.line.text).toBe("otter 2");
  });

  test("is sent again with a key, once the server did not accept its name", async () => {
    page.type("ada 2 -1");
    const [stream] = page.streams.list;
    stream?.takeBytes(readOf(encodeText("Authentication error.")), 0, undefined);
    stream?.end({ kind: "ended", reason: "fin" }, 1);
    await stream?.over;
    expect([page.line.refused, page.line.text]).toEqual([{ name: "ada", hadKey: false }, "ada 2 -1"]);
    page.line.enterKey("two words");
    expect(page.sent).toHaveLength(1);
    page.state.isOpen = false;
    page.line.enterKey("s3cret");
    expect([page.sent.length, page.line.text]).toEqual([1, "ada 2 -1"]);
    page.state.isOpen = true;
    page.line.refused = { name: "ada", hadKey: false };
    page.line.enterKey("ada~s3cret");
    expect(page.sent.at(-1)).toMatchObject({ type: "request", user: "ada~s3cret", operation: 2, arguments: ["-1"] });
    expect([page.line.refused, page.line.text]).toEqual([undefined, "ada "]);
  });

  test("is proposed with a new name, unless one is being typed", () => {
    page.line.useName("ada");
    expect(page.line.text).toBe("ada ");
    page.line.useName("otter", "ada~s3cret");
    expect(page.line.text).toBe("otter ");
    page.line.text = "otter 2 -1";
    page.line.useName("heron", "otter");
    expect(page.line.text).toBe("otter 2 -1");
  });

  test("goes nowhere where there is no server", () => {
    const { line, streams, sent } = openPage(["mail"]);
    expect(line.target.name).toBe("mail");
    const stream = page.streams.request({ user: "brick", operation: 3, by: "user" });
    expect(stream?.isWithServer).toBe(true);
    if (stream !== undefined) line.sendAgain(stream);
    expect([sent, streams.list]).toEqual([[], []]);
  });
});

describe("a line for any other target", () => {
  beforeEach(() => page.line.choose("mail"));

  test("opens a conversation that takes the next ones", () => {
    page.type("EHLO x");
    expect(page.connected()).toEqual({ target: "mail", text: "EHLO x\r\n", end: false });
    expect(page.line.conversation).toBe(page.streams.list[0]);
    page.type("NOOP");
    page.type("");
    expect(page.sent.slice(1)).toEqual(["NOOP\r\n", "\r\n"]);
    expect(page.streams.list).toHaveLength(1);
  });

  test("waits for what the target says first when nothing is typed", () => {
    expect([page.line.isConnect, page.line.bytes]).toEqual([true, new Uint8Array(0)]);
    page.type("");
    expect(page.connected()).toEqual({ target: "mail", text: "", end: false });
    expect(page.line.isConnect).toBe(false);
  });

  test("opens a new one after the end, and after one has been asked for", () => {
    page.type("one");
    const [first] = page.streams.list;
    if (first !== undefined) page.streams.close(first, "end");
    expect([first?.state, page.line.conversation]).toEqual(["running", undefined]);
    page.type("two");
    page.streams.list[1]?.end({ kind: "ended", reason: "fin" }, 1);
    expect(page.line.conversation).toBeUndefined();
    page.type("three");
    expect(page.streams.list.map(({ message }) => message)).toEqual(["one\r\n", "two\r\n", "three\r\n"]);
  });

  test("is followed by FIN when the connection is not to stay open", () => {
    page.line.set({ keepsOpen: false });
    page.type("one");
    page.type("two");
    expect(page.connected()).toEqual({ target: "mail", text: "two\r\n", end: true });
    expect([page.streams.list.length, page.line.conversation]).toEqual([2, undefined]);
  });

  test("goes with the line end that is chosen, or as hex without one", () => {
    page.line.set({ lineEnd: "LF" });
    page.type("a\nb");
    expect(page.connected()?.text).toBe("a\nb\n");
    page.line.text = "PING";
    page.line.set({ input: "hex" });
    expect(page.line.text).toBe("50 49 4e 47 0a");
    page.line.set({ input: "text" });
    expect(page.line.text).toBe("PING");
    page.line.set({ input: "hex" });
    page.type("00 ff");
    expect(page.sent.at(-1)).toBe(decodeText(Uint8Array.of(0, 255)));
    page.line.text = "0";
    expect([page.line.problem, page.line.canSend]).toEqual([
      'the byte at character 1 has one digit, "0"; a byte has two, such as 0d',
      false,
    ]);
  });

  test("keeps its settings and its recalled lines apart from those of other targets", () => {
    page.line.set({ lineEnd: "none" });
    page.type("EHLO x");
    page.line.choose("wirebook");
    expect([page.line.settings.lineEnd, page.line.recall(-1)]).toEqual(["LF", false]);
    page.line.choose("mail");
    expect([page.line.settings.lineEnd, page.line.recall(-1), page.line.text]).toEqual(["none", true, "EHLO x"]);
  });

  test("is put back from its stream, and sent again on a connection of its own", () => {
    page.type("EHLO x");
    const [stream] = page.streams.list;
    page.line.choose("wirebook");
    if (stream !== undefined) page.line.edit(stream);
    expect([page.line.target.name, page.line.text]).toEqual(["mail", "EHLO x"]);
    if (stream !== undefined) page.line.sendAgain(stream);
    expect(page.streams.list.map(({ message }) => message)).toEqual(["EHLO x\r\n", "EHLO x\r\n"]);
    expect(page.line.conversation).toBe(page.streams.list[1]);
  });

  test("is sent again byte by byte, however many there are and whatever they are", () => {
    const bytes = Uint8Array.from({ length: firstBytesMax + 1000 }, (_, at) => at % 251);
    page.line.set({ input: "hex" });
    page.type(encodeHex(bytes));
    const [stream] = page.streams.list;
    for (const count of [firstBytesMax, 1000]) stream?.takeBytes(writtenOf(count), 0, undefined);
    page.sent.length = 0;
    expect(stream && page.line.canRepeat(stream)).toBe(true);
    if (stream !== undefined) page.line.sendAgain(stream);
    const rest = page.sent.filter((each) => typeof each === "string");
    expect(encodeText([page.connected()?.text, ...rest].join(""))).toEqual(bytes);
  });

  test("is not offered again when its bytes are not kept whole, or its target is gone", () => {
    page.line.set({ lineEnd: "none" });
    page.type("x".repeat(firstBytesMax + 1000));
    const [stream] = page.streams.list;
    stream?.takeBytes(writtenOf(firstBytesMax + 1000), 0, undefined);
    expect(stream && page.line.canRepeat(stream)).toBe(true);
    expect(stream && openPage(["wirebook"]).line.canRepeat(stream)).toBe(false);
    stream?.release();
    expect(stream && page.line.canRepeat(stream)).toBe(false);
  });

  test("is edited in hex when it is no text", () => {
    page.line.set({ input: "hex" });
    page.type("00 ff");
    page.line.set({ input: "text" });
    const [stream] = page.streams.list;
    if (stream !== undefined) page.line.edit(stream);
    expect([page.line.settings.input, page.line.text]).toEqual(["hex", "00 ff"]);
  });

  test("stays in the line when the gateway is gone", () => {
    page.state.isOpen = false;
    page.type("EHLO x");
    expect([page.line.text, page.streams.list]).toEqual(["EHLO x", []]);
  });
});

/** Goes back or on, and gives what the line then shows; `undefined` where nothing is further. */
const go = (step: -1 | 1) => (page.line.recall(step) ? page.line.text : undefined);

describe("what was sent", () => {
  beforeEach(() => page.line.choose("mail"));

  test("is gone back to, and forward to what was being typed; the same line is there once", () => {
    for (const line of ["two", "one", "two"]) page.type(line);
    page.line.text = "typing";
    expect([go(-1), go(-1), go(-1)]).toEqual(["two", "one", undefined]);
    expect([go(1), go(1), go(1)]).toEqual(["two", "typing", undefined]);
  });

  test("is kept up to a bound", () => {
    for (let n = 0; n <= recalledMax; n++) page.type(String(n));
    let oldest: string | undefined;
    for (let line = go(-1); line !== undefined; line = go(-1)) oldest = line;
    expect(oldest).toBe("1");
  });
});
