/** Presentations: a page's own streams, for those who hold the link alone. */

import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { encodeByteFrame, encodeData, flowIdMin, streamIdMax, subprotocol } from "@wirebook/protocol";
import type { AnnouncedTarget, ByteFrameHeader } from "@wirebook/protocol";
import type { PageClient } from "../../../test-support/page-client.ts";
import { ada, ask, basic, openPasswordGateway } from "./auth-fixture.ts";
import { openEcho, openFolder, openGateway, openPage } from "./gateway-fixture.ts";
import type { Gateway } from "./gateway-fixture.ts";

const target: AnnouncedTarget = { name: "mail", transport: "tcp", address: "127.0.0.1:25", proxyHeaderBytes: 0 };
const wrongToken = "AAAAAAAAAAAAAAAAAAAAAA";

function openGuest(gateway: Pick<Gateway, "host">): Promise<PageClient> {
  return openPage(gateway, {}, "/ws?guest");
}

/** Shows one read of a stream, from the target. */
function showRead(page: PageClient, id: number, text: string, atMs = 1): Promise<void> {
  const header: ByteFrameHeader = {
    kind: "data",
    leg: "target",
    isFromTarget: true,
    isAfterGap: false,
    queuedKiB: 0,
    id: flowIdMin + id,
    atMs,
  };
  return page.sendRaw(encodeByteFrame(header, Buffer.from(text), (length) => Buffer.alloc(length)));
}

function show(page: PageClient, id: number): void {
  page.send({ type: "show", id, stream: { target, at: { received: 1 }, name: `stream ${id}` } });
}

function showEnd(page: PageClient, id: number, receivedBytes: number): void {
  page.send({ type: "shown", id, outcome: { reason: "fin" }, at: { closed: 9 }, sentBytes: 0, receivedBytes });
}

async function present(page: PageClient): Promise<{ readonly token: string; readonly key: string }> {
  page.send({ type: "present" });
  return page.frame("presenting");
}

test("a guest with the link sees what the presenter shows, now and from before, and what is selected", async () => {
  await using gateway = await openPasswordGateway();
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  const { token } = await present(presenter);
  show(presenter, 7);
  await showRead(presenter, 7, "220 mail\r\n", 12.5);
  await using guest = await openGuest(gateway);
  expect(await guest.frame("hello")).toMatchObject({ targets: [], listening: [], mayWatch: false, role: "viewer" });
  guest.send({ type: "watch", presentation: token });
  await guest.until(() => (guest.flows.at(0)?.record.receivedBytes === 10 ? true : undefined));
  expect(guest.flows.at(0)?.head).toMatchObject({ via: "presented", target, name: "stream 7" });
  expect(guest.flows.at(0)?.record.reads).toMatchObject([{ atMs: 12.5, byteCount: 10 }]);
  presenter.send({ type: "select", id: 7 });
  const flowId = guest.flows.at(0)?.head.id ?? 0;
  await guest.frame("selected", ({ id }) => id === flowId);
  showEnd(presenter, 7, 10);
  await guest.until(() => guest.flows.at(0)?.last);
  await presenter.frame("presenting", ({ viewers }) => viewers === 1);
  guest.socket.terminate();
  await presenter.until(() => (presenter.framesOf("presenting").at(-1)?.viewers === 0 ? true : undefined));
});

test("the end ends it for everybody, and its link is then wrong", async () => {
  await using gateway = await openPasswordGateway();
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  await using user = await openPage(gateway, { headers: basic(ada) });
  const { token } = await present(presenter);
  await using guest = await openGuest(gateway);
  for (const viewer of [guest, user]) viewer.send({ type: "watch", presentation: token });
  await Promise.all([guest.frame("watching"), user.frame("watching")]);
  presenter.send({ type: "unpresent" });
  await Promise.all([presenter.frame("presented-end"), user.frame("presented-end")]);
  expect(await guest.closing).toMatchObject({ code: 1000, reason: expect.stringMatching(/^presented-end/) as string });
  user.send({ type: "watch", presentation: token });
  await user.error("presentation-unknown");
  presenter.send({ type: "select", id: 1 });
  await presenter.error("presentation-unknown");
});

const refused: readonly [string, string | Uint8Array][] = [
  ["the gateway's flows", '{"type":"watch"}'],
  ["a request", '{"type":"request","id":1,"user":"eve"}'],
  ["a connection", '{"type":"connect","id":1,"target":"wirebook","bytes":"","end":true}'],
  ["bytes", encodeData(1, Buffer.from("eve\n"))],
  ["bytes of a presentation", encodeData(flowIdMin + 1, Buffer.from("eve\n"))],
  ["a presentation", '{"type":"present"}'],
  ["the presenter's key", `{"type":"present","key":"${wrongToken}"}`],
  ["faults", '{"type":"set-faults","port":5008,"faults":{}}'],
  ["a selection", '{"type":"select","id":1}'],
  ["an end", '{"type":"unpresent"}'],
  ["no frame at all", "?"],
  ["a wrong link", `{"type":"watch","presentation":"${wrongToken}"}`],
];

test.each(refused)("a guest who sends %s is refused and closed", async (_what, message) => {
  await using gateway = await openPasswordGateway();
  await using guest = await openGuest(gateway);
  await guest.sendRaw(message);
  const { code } = await guest.closing;
  expect(code).toBe(1008);
  expect(guest.framesOf("error")).toHaveLength(1);
});

test("a guest who names no presentation is closed after a time", async () => {
  await using gateway = await openPasswordGateway({ limits: { guestWatchMs: 20 } });
  await using guest = await openGuest(gateway);
  expect(await guest.closing).toMatchObject({ code: 1008, reason: expect.stringMatching(/^forbidden/) as string });
});

test("guests have a number of their own, and leave the others their WebSockets", async () => {
  await using gateway = await openPasswordGateway({ limits: { guestsMax: 1 } });
  await using first = await openGuest(gateway);
  await first.frame("hello");
  await using second = await openGuest(gateway);
  expect(await second.closing).toMatchObject({ code: 1013 });
  await using user = await openPage(gateway, { headers: basic(ada) });
  await user.frame("hello");
});

test("the log has neither links nor keys, right or wrong", async () => {
  await using gateway = await openPasswordGateway();
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  const { token, key } = await present(presenter);
  await using viewer = await openPage(gateway, { headers: basic(ada) });
  viewer.send({ type: "watch", presentation: wrongToken });
  viewer.send({ type: "watch", presentation: token });
  await Promise.all([viewer.error("presentation-unknown"), viewer.frame("watching")]);
  for (const secret of [token, key, wrongToken]) expect(gateway.log.join("")).not.toContain(secret);
});

test("a viewer cannot go on with a presentation by its link", async () => {
  await using gateway = await openPasswordGateway();
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  const { token } = await present(presenter);
  await using viewer = await openPage(gateway, { headers: basic(ada) });
  viewer.send({ type: "present", key: token });
  await viewer.error("presentation-unknown");
});

test("a presentation survives the presenter's reload, and ends what ran", async () => {
  await using gateway = await openPasswordGateway();
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  const { token, key } = await present(presenter);
  await using guest = await openGuest(gateway);
  guest.send({ type: "watch", presentation: token });
  show(presenter, 1);
  presenter.send({ type: "select", id: 1 });
  await showRead(presenter, 1, "before");
  await guest.until(() => guest.flows.at(0)?.record.receivedBytes);
  presenter.socket.terminate();
  expect(await guest.until(() => guest.flows.at(0)?.last)).toMatchObject({ type: "end", reason: "cancelled" });
  const flowId = guest.flows.at(0)?.head.id;
  expect(await guest.frame("selected", ({ isAway }) => isAway === true)).toMatchObject({ id: flowId });
  await using again = await openPage(gateway, { headers: basic(ada) });
  again.send({ type: "present", key });
  expect(await again.frame("presenting")).toMatchObject({ token, key, viewers: 1 });
  await guest.until(() => (guest.framesOf("selected").at(-1)?.isAway === undefined ? true : undefined));
  show(again, 1);
  await showRead(again, 1, "after");
  await guest.until(() => guest.flows.at(1)?.record.receivedBytes);
  expect(Buffer.from(guest.flows.at(1)?.record.reads[0]?.bytes ?? []).toString()).toBe("after");
});

test("a presenter who says the key again goes on, and one in another window takes over", async () => {
  await using gateway = await openPasswordGateway();
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  const { key, token } = await present(presenter);
  presenter.send({ type: "present", key });
  show(presenter, 1);
  presenter.send({ type: "clock", at: 1 });
  await presenter.frame("clock");
  expect(presenter.framesOf("presented-end")).toEqual([]);
  expect(presenter.framesOf("error")).toEqual([]);
  await using other = await openPage(gateway, { headers: basic(ada) });
  other.send({ type: "present", key });
  await Promise.all([other.frame("presenting", (frame) => frame.token === token), presenter.frame("presented-end")]);
});

test.each([{}, { highWaterBytes: 1, lowWaterBytes: 0 }])(
  "tells few times what changes many times a moment, with %o",
  async (limits) => {
    await using gateway = await openPasswordGateway({ limits });
    await using presenter = await openPage(gateway, { headers: basic(ada) });
    const { token } = await present(presenter);
    await using guest = await openGuest(gateway);
    guest.send({ type: "watch", presentation: token });
    await presenter.frame("presenting", ({ viewers }) => viewers === 1);
    const noisy = new WebSocket(`ws://${gateway.host}/ws?guest`, subprotocol, { origin: `http://${gateway.host}` });
    await once(noisy, "open");
    for (let count = 0; count < 1000; count++) noisy.send(`{"type":"watch","presentation":"${token}"}`);
    show(presenter, 1);
    for (let count = 0; count < 1000; count++) presenter.send({ type: "select", id: count % 2 === 0 ? null : 1 });
    await guest.frame("selected", ({ id }) => id !== null);
    noisy.close();
    await once(noisy, "close");
    await presenter.until(() => (presenter.framesOf("presenting").at(-1)?.viewers === 1 ? true : undefined));
    expect(guest.framesOf("selected").length).toBeLessThan(200);
    expect(presenter.framesOf("presenting").length).toBeLessThan(200);
  },
);

test("a presentation whose presenter stays away ends", async () => {
  await using gateway = await openPasswordGateway({ limits: { presenterAbsenceMs: 20 } });
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  const { token } = await present(presenter);
  await using viewer = await openPage(gateway, { headers: basic(ada) });
  viewer.send({ type: "watch", presentation: token });
  await viewer.frame("watching");
  presenter.socket.terminate();
  await viewer.frame("presented-end");
});

test("a latecomer gets the newest fifty", async () => {
  await using gateway = await openPasswordGateway();
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  const { token } = await present(presenter);
  for (let id = 1; id <= 80; id++) {
    show(presenter, id);
    await showRead(presenter, id, `read ${id}`);
    showEnd(presenter, id, `read ${id}`.length);
  }
  presenter.send({ type: "clock", at: 1 });
  await presenter.frame("clock");
  await using guest = await openGuest(gateway);
  guest.send({ type: "watch", presentation: token });
  await guest.until(() => (guest.flows.at(49)?.last === undefined ? undefined : true));
  const names = [...guest.flows.flows.values()].map(({ head }) => head.name);
  expect(names).toEqual(Array.from({ length: 50 }, (_, at) => `stream ${at + 31}`));
});

test("there is a bound on presentations, and on streams that one shows at once", async () => {
  const limits = { presentationsMax: 1, presentedFlowsMax: 2 };
  await using gateway = await openPasswordGateway({ limits });
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  await present(presenter);
  await using other = await openPage(gateway, { headers: basic(ada) });
  other.send({ type: "present" });
  await other.error("too-many-presentations");
  for (const id of [1, 2, 3]) show(presenter, id);
  await presenter.error("too-many-streams");
  showEnd(presenter, 1, 0);
  show(presenter, 4);
  presenter.send({ type: "clock", at: 1 });
  await presenter.frame("clock");
  expect(presenter.framesOf("error")).toHaveLength(1);
});

test.each([Number.NaN, Infinity, 1e300, -1e15])(
  "refuses the time %d, which is no date of a viewer's calendar",
  async (at) => {
    await using gateway = await openPasswordGateway();
    await using presenter = await openPage(gateway, { headers: basic(ada) });
    await present(presenter);
    presenter.send({ type: "show", id: 1, stream: { target, at: { received: at } } });
    await presenter.error("frame-invalid");
    show(presenter, 2);
    await showRead(presenter, 2, "never", at);
    await presenter.until(() => (presenter.framesOf("error").length === 2 ? true : undefined));
    expect(presenter.framesOf("error")[1]).toMatchObject({ message: "a byte frame's time is none" });
  },
);

test("a read that is not of a shown stream is dropped", async () => {
  await using gateway = await openPasswordGateway();
  await using presenter = await openPage(gateway, { headers: basic(ada) });
  await showRead(presenter, 1, "too early");
  await presenter.error("presentation-unknown");
  await present(presenter);
  await showRead(presenter, streamIdMax - 1, "of nothing");
  presenter.send({ type: "clock", at: 1 });
  await presenter.frame("clock");
  expect(presenter.framesOf("error")).toHaveLength(1);
});

test("the page and its files come without a login at the path of the link, and the rest does not", async () => {
  await using folder = await openFolder();
  await mkdir(join(folder.path, "assets"));
  for (const file of ["index.html", "assets/index.js", "notes.txt"]) await writeFile(join(folder.path, file), file);
  await using gateway = await openPasswordGateway({ config: { page: folder.path } });
  const status = async (path: string) => (await ask(gateway, path)).status;
  expect(await Promise.all(["/guest", "/assets/index.js"].map(status))).toEqual([200, 200]);
  expect(await Promise.all(["/", "/index.html", "/notes.txt", "/assets/..%2fnotes.txt"].map(status))).toEqual(
    Array.from({ length: 4 }, () => 401),
  );
});

test("where there is no authentication a guest may do no more", async () => {
  await using echo = await openEcho();
  await using gateway = await openGateway(echo);
  await using guest = await openGuest(gateway);
  await guest.frame("hello");
  guest.send({ type: "request", id: 1, user: "eve" });
  await once(guest.socket, "close");
  expect(echo.acceptedCount).toBe(0);
});
