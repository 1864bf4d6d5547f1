import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { encodeFrame, encodeText } from "@wirebook/protocol";
import { Stream } from "../src/streams/stream.svelte.ts";
import { Streams } from "../src/streams/streams.svelte.ts";
import { encodeStreamLink, openStreamLink, linkCharactersMax, linkRecordBytesMax } from "../src/export/stream-link.ts";
import { server } from "./stream-samples.ts";

const elsewhere = () =>
  new Streams({ send: () => undefined, clock: undefined, hello: undefined, sendBytes: () => undefined }, () => {});

function streamOf(message: string, purpose?: string): Stream {
  const by = "user" as const;
  const intent = { target: server, user: "brick", message, by, ...(purpose === undefined ? {} : { purpose }) };
  const text = encodeFrame({ type: "connect", id: 7, target: "wirebook", bytes: btoa(message), end: false });
  return new Stream(7, intent, "connect", { atMs: 500, text });
}

async function deflated(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const packed = Buffer.from(await new Response(stream).arrayBuffer());
  return `#exchange=${packed.toString("base64url")}`;
}

/** A purpose that does not become shorter when it is packed. */
function noise(characters: number): string {
  let state = 1;
  const next = () => (state = (state * 48_271) % 2_147_483_647);
  return Array.from({ length: characters }, () => String.fromCharCode(33 + (next() % 90))).join("");
}

describe("the address of an exchange", () => {
  test("shows the same exchange again, marked as loaded", async () => {
    const fragment = await encodeStreamLink(streamOf("brick 2 -1\n"));
    expect(fragment).toMatch(/^#exchange=[\w-]+$/);
    const streams = elsewhere();
    const opened = await openStreamLink(fragment, streams);
    expect([opened.message, opened.intent.loaded?.fileName]).toEqual(["brick 2 -1\n", "a link"]);
    expect(streams.list).toEqual([opened]);
  });

  test("of the first version is opened", async () => {
    const fragment = await readFile(new URL("fixtures/version-1-link.txt", import.meta.url), "utf8");
    const opened = await openStreamLink(fragment, elsewhere());
    expect([opened.message, opened.state, opened.answer]).toEqual(["brick 2 -1\n", "done", "accepted"]);
    expect(opened.answerSentence).toMatch(/^2026-.* 127\.0\.0\.1 "brick 2 -1"$/);
  });

  test("holds no key, neither as it is nor in base64", async () => {
    const fragment = await encodeStreamLink(streamOf("brick~s3cretkey 2\n"));
    const packed = Buffer.from(fragment.slice("#exchange=".length), "base64url");
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const text = await new Response(stream).text();
    expect(text).toContain("brick~*********");
    expect(text).not.toContain("s3cret");
    expect(text).not.toContain(btoa("brick~s3cretkey 2\n"));
    expect(encodeText(text).length).toBeGreaterThan(100);
  });

  test("is not made longer than the limit, and one at the limit is read", async () => {
    const random = noise(linkCharactersMax);
    await expect(encodeStreamLink(streamOf("brick\n", random))).rejects.toThrow(
      /The characters of the link would be [\d,]+, over the limit of 16,384. Save the exchange as NDJSON instead\./,
    );
    const long = `#exchange=${"A".repeat(linkCharactersMax)}`;
    await expect(openStreamLink(long, elsewhere())).rejects.toThrow(
      /characters of this link are [\d,]+, over the limit of 16,384/,
    );
    await expect(openStreamLink(long.slice(0, linkCharactersMax), elsewhere())).rejects.toThrow("Was it cut off?");
  });

  test("is not made of a record that is too big, however well it packs", async () => {
    const wide = streamOf("brick\n", "a".repeat(linkRecordBytesMax));
    await expect(encodeStreamLink(wide)).rejects.toThrow("over the limit of 1,048,576");
  });

  test("unpacks to no more than the limit", async () => {
    await expect(openStreamLink(await deflated(" ".repeat(linkRecordBytesMax)), elsewhere())).rejects.toThrow(
      "The record in this link is not JSON",
    );
    await expect(openStreamLink(await deflated(" ".repeat(linkRecordBytesMax + 1)), elsewhere())).rejects.toThrow(
      "unpacks to more than the limit of 1,048,576 bytes",
    );
  });

  test("says what is wrong with one that was cut, changed, or made of something else", async () => {
    const fragment = await encodeStreamLink(streamOf("brick 2 -1\n"));
    for (const broken of [fragment.slice(0, -9), "#exchange=%%%", "#exchange="]) {
      await expect(openStreamLink(broken, elsewhere())).rejects.toThrow("Was it cut off?");
    }
    await expect(openStreamLink(await deflated('{"type":"stream","version":9}'), elsewhere())).rejects.toThrow(
      "of version 9, and this Wirebook reads versions up to 2",
    );
    await expect(openStreamLink(await deflated("[]"), elsewhere())).rejects.toThrow("not the record of a stream");
  });
});
