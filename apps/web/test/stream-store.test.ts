import { expect, test } from "vitest";
import { encodeText } from "@wirebook/protocol";
import { keptBytesMax, keptStreamBytesMax, keptStreamsMax } from "../src/limits.ts";
import { Keeper } from "../src/streams/keeper.svelte.ts";
import { KeptBytes } from "../src/streams/kept-bytes.ts";
import { Stream } from "../src/streams/stream.svelte.ts";
import { StreamStore } from "../src/streams/stream-store.ts";
import type { Place } from "../src/streams/stream-store.ts";
import { Streams } from "../src/streams/streams.svelte.ts";
import { Peer, readOf, writtenOf } from "./gateway-peer.ts";
import { server } from "./stream-samples.ts";

/** A place in memory, which sorts its keys as IndexedDB does. */
class MemoryPlace implements Place {
  readonly stored = new Map<string, unknown>();

  keys() {
    const all = [...this.stored.keys()].map((key) => JSON.parse(key) as [number, string, number]);
    return Promise.resolve(all.toSorted(([a, nameA], [b, nameB]) => a - b || (nameA < nameB ? -1 : 1)));
  }

  async entries() {
    return (await this.keys()).map((key): [typeof key, unknown] => [key, this.stored.get(JSON.stringify(key))]);
  }

  set(key: unknown, value: unknown) {
    this.stored.set(JSON.stringify(key), value);
    return Promise.resolve();
  }

  remove(keys: unknown[]) {
    for (const key of keys) this.stored.delete(JSON.stringify(key));
    return Promise.resolve();
  }

  clear() {
    this.stored.clear();
    return Promise.resolve();
  }
}

function streamOf(message: string, reply = "", at = 0, target = "wirebook"): Stream {
  const intent = { target: { ...server, name: target }, user: "brick", message, by: "user" } as const;
  const stream = new Stream(1, { ...intent, startedAt: new Date(at) }, "connect", { atMs: 0, text: "{}" });
  stream.takeBytes(writtenOf(encodeText(message).length), 1, undefined);
  if (reply !== "") stream.takeBytes(readOf(encodeText(reply), 2), 2, undefined);
  stream.end({ kind: "ended", reason: "fin" }, 3);
  return stream;
}

async function restored(place: Place): Promise<readonly Stream[]> {
  const { streams } = await new StreamStore(place).load();
  return streams.map((create, index) => create(index + 1));
}

test("what is kept comes back in the order of its time, with its bytes and without a key", async () => {
  const place = new MemoryPlace();
  const store = new StreamStore(place);
  await store.save(streamOf("otter~s3cret 2\n", "two\n", 2000));
  await store.save(streamOf("brick 2\n", "one\n", 1000));
  expect(JSON.stringify([...place.stored])).not.toContain("s3cret");
  const all = await restored(place);
  expect(all.map((stream) => [stream.name, stream.sentAt.getTime(), stream.isKept, stream.intent.loaded])).toEqual([
    ["brick 2", 1000, true, undefined],
    ["otter~*** 2", 2000, true, undefined],
  ]);
  expect(all.map(({ record }) => new KeptBytes(record, true).toText())).toEqual(["one\n", "two\n"]);
});

test("a stream that is kept again takes the place of what was kept of it", async () => {
  const place = new MemoryPlace();
  const store = new StreamStore(place);
  const stream = streamOf("", "220 hello\r\n", 1, "mail");
  await store.save(stream);
  stream.takeBytes(readOf(encodeText("more\r\n"), 3), 3, undefined);
  await store.save(stream);
  expect(place.stored.size).toBe(1);
  const [again] = await restored(place);
  expect(again && new KeptBytes(again.record, true).toText()).toBe("220 hello\r\nmore\r\n");
});

test("what is damaged or of a later version is removed and counted, and the rest is there", async () => {
  const place = new MemoryPlace();
  await new StreamStore(place).save(streamOf("brick 2\n"));
  await place.set([1, "newer", 20], '{"type":"stream","version":99}');
  await place.set([2, "damaged", 3], "{{{");
  await place.set([3, "odd", 3], 17);
  const { streams, problems } = await new StreamStore(place).load();
  expect([streams.length, problems, place.stored.size]).toEqual([1, 3, 1]);
});

test("is bounded in number and in size, whoever wrote: the oldest go", async () => {
  const place = new MemoryPlace();
  for (let n = 0; n < keptStreamsMax; n++) await place.set([n, "other tab", 10], "x".repeat(10));
  await new StreamStore(place).save(streamOf("brick 2\n", "", 1e6));
  expect(place.stored.size).toBe(keptStreamsMax);
  expect((await place.keys())[0]?.[0]).toBe(1);
  await place.set([1e5, "big", keptBytesMax], "");
  await new StreamStore(place).save(streamOf("brick 3\n", "", 2e6));
  expect((await place.keys()).map(([at]) => at)).toEqual([1e6, 2e6]);
});

test("of a reply that is too big only its size is kept", async () => {
  const place = new MemoryPlace();
  await new StreamStore(place).save(streamOf("brick 2\n", "x".repeat(keptStreamBytesMax)));
  const [again] = await restored(place);
  expect([again?.receivedBytes, again?.record.bytesKept]).toEqual([keptStreamBytesMax, 8]);
});

/** A page with a keeper over a place. */
function openPage(place: Place) {
  const peer = new Peer();
  const streams = new Streams(peer.connection, () => {});
  peer.serve(streams);
  const keeper = new Keeper(streams, () => Promise.resolve(new StreamStore(place)));
  return { peer, streams, keeper };
}

test("the page keeps what the user sent to the server, and of other services only what the user says", async () => {
  const place = new MemoryPlace();
  const { streams, keeper } = openPage(place);
  const other = { ...server, name: "mail" };
  const mail = streams.connect({ target: other, bytes: new Uint8Array(0), user: "", by: "user" });
  await Promise.all([
    streams.request({ user: "brick", operation: 2, by: "user" })?.over,
    streams.request({ user: "brick", operation: 2, by: "page" })?.over,
  ]);
  mail?.end({ kind: "ended", reason: "fin" }, 1);
  await keeper.written;
  expect((await restored(place)).map(({ name }) => name)).toEqual(["brick 2"]);
  if (mail !== undefined) await keeper.keep(mail);
  expect((await restored(place)).map(({ name }) => name).toSorted()).toEqual(["brick 2", "mail #1"]);
});

test("a page shows what was kept before what it did itself, and sends nothing for it", async () => {
  const place = new MemoryPlace();
  await new StreamStore(place).save(streamOf("ada 2\n", "", 1));
  const { peer, streams, keeper } = openPage(place);
  const own = streams.request({ user: "brick", operation: 6, by: "user" });
  await keeper.restore();
  expect(streams.list.map(({ name }) => name)).toEqual(["ada 2", "brick 6"]);
  expect(new Set(streams.list.map(({ id }) => id)).size).toBe(2);
  await own?.over;
  expect(peer.asked).toEqual(["brick 6"]);
});

test("Clear asks about conversations with the operator's services alone, and not about those that are kept", async () => {
  const { peer, streams, keeper } = openPage(new MemoryPlace());
  const mail = { ...server, name: "mail" };
  Object.assign(peer.connection, { hello: { targets: [server, mail] } });
  const open = (name: string, by: "user" | "page" = "user") => {
    const target = { ...server, name };
    const stream = streams.connect({ target, bytes: new Uint8Array(0), user: "", by });
    stream?.end({ kind: "ended", reason: "fin" }, 1);
    return stream;
  };
  const [kept] = [open("mail"), open("mail"), open("lesson-greeting"), open("mail", "page"), open("wirebook")];
  if (kept !== undefined) await keeper.keep(kept);
  const asked: string[] = [];
  keeper.askToClear({ confirm: (sentence) => void asked.push(sentence) });
  expect(asked).toEqual(["1 entry with other services is not kept anywhere else."]);
});

test("Clear empties the page and the place, and leaves what runs", async () => {
  const place = new MemoryPlace();
  const { streams, keeper } = openPage(place);
  await streams.request({ user: "brick", operation: 2, by: "user" })?.over;
  await keeper.written;
  const follow = streams.request({ user: "brick", operation: 5, by: "page" });
  expect(place.stored.size).toBe(1);
  await keeper.clear();
  expect([streams.list, place.stored.size]).toEqual([[follow], 0]);
});

function flowOf(id: number): Stream {
  const stream = new Stream(id, { target: server, user: "", message: "", by: "flow" }, "", { atMs: 0, text: "" });
  stream.flow = { via: "relay" };
  stream.end({ kind: "ended", reason: "fin" }, 1);
  return stream;
}

test("Clear deselects what it removes, also a flow that was loaded, and no watched one", () => {
  const { streams } = openPage(new MemoryPlace());
  for (const [selected, left] of [
    [streams.adopt(flowOf), undefined],
    [flowOf(7), flowOf(7)],
  ]) {
    streams.selected = selected;
    streams.clear();
    expect(streams.selected?.id).toBe(left?.id);
  }
});

test("a place that fails leaves the page as it is", async () => {
  const { streams, keeper } = openPage(new MemoryPlace());
  const broken = new Keeper(streams, () => Promise.reject(new Error("blocked")));
  await broken.restore();
  const stream = streams.request({ user: "brick", operation: 2, by: "user" });
  await stream?.over;
  await broken.clear();
  expect([streams.list, keeper.problem]).toEqual([[], ""]);
  expect(broken.problem).toContain("is not kept over a reload");
});

test("what the storage refuses is said, and kept when it works again", async () => {
  const place = new MemoryPlace();
  const failing = Object.create(place) as MemoryPlace;
  failing.set = () => Promise.reject(new Error("full"));
  const { keeper } = openPage(failing);
  const stream = streamOf("", "220 hello\r\n", 1, "mail");
  await keeper.keep(stream);
  expect(stream.isKept).toBe(false);
  expect(keeper.problem).toMatch(
    / is not kept over a reload: it is too big, or the browser's storage is blocked or full\.$/,
  );
  failing.set = (key: unknown, value: unknown) => place.set(key, value);
  await keeper.keep(stream);
  expect([stream.isKept, place.stored.size]).toEqual([true, 1]);
});
