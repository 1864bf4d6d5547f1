/** Viewers of a presentation, who send whatever a page can send: guests with the link, and users of the role viewer. */

import { encodeByteFrame, encodeFrame, flowIdMin, streamIdMax } from "@wirebook/protocol";
import type { PageFrame } from "@wirebook/protocol";
import { PageClient } from "../../test-support/page-client.ts";
import type { Random } from "../../test-support/random.ts";
import { TestServer } from "../../test-support/tcp-client.ts";
import type { Program } from "../../test-support/program.ts";
import { startGateway } from "../../test-support/programs.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";
import { failuresOf } from "./network/gateway-health.ts";
import { basic, password, writePeople } from "./people/people-fixture.ts";

/** Viewers who send at the same time, and those who only look. */
const sendersMax = 20;
const lookersMax = 80;
/** Reads that the presenter shows meanwhile. */
const readsShown = 200;
const shownText = "shown by the presenter";

export const faultTest: FaultTest = {
  promise: "viewers see a presentation, and whatever they send reaches no target and changes nothing",
  unit: "frames",
  first: 10_000,
  ci: 2000,
  full: 1_000_000,
  isInCi: true,
  needs: [],
  negativeControls: [
    { mutant: "talking-viewers", count: 2000 },
    { mutant: "talking-guests", count: 2000 },
    { mutant: "any-presenter", count: 2000 },
  ],
  run,
};

/** What all viewers of one trial share. */
interface Scene {
  readonly gateway: Program;
  readonly token: string;
  readonly random: Random;
  readonly violations: string[];
}

async function run({ count, random, folder, nodeArgs, progress }: Trial): Promise<Finding> {
  let connectionCount = 0;
  await using target = await TestServer.listen((socket) => {
    connectionCount += 1;
    socket.resume().on("end", () => socket.end());
  });
  const people = await writePeople(folder, ["pat", "vic"]);
  const roles = ["--role", "*=viewer", "--role", "pat=user"];
  const options = ["--target", `it=tcp://${target.address}`, "--auth", `basic:${people}`, ...roles];
  await using gateway = await startGateway({ options: [...options, "--listen", "0=it"], nodeArgs });
  await using presenter = await PageClient.open(gateway.address, headersOf("pat"));
  presenter.send({ type: "present" });
  const { token, key } = await presenter.frame("presenting");
  const head = { target: announced, at: { received: 1 }, name: "shown" };
  presenter.send({ type: "show", id: 1, stream: head });
  const violations: string[] = [];
  const scene: Scene = { gateway, token, random, violations };
  const lookers = await Promise.all(Array.from({ length: lookersMax }, () => openGuest(scene)));
  let left = count;
  const send = async (isGuest: boolean): Promise<void> => {
    let viewer: PageClient | undefined;
    while (left-- > 0 && violations.length === 0) {
      progress(count - left);
      viewer = await tryOne(scene, isGuest, viewer);
    }
    await viewer?.[Symbol.asyncDispose]();
  };
  const senders = Array.from({ length: sendersMax }, (_, index) => send(index % 2 === 0));
  for (let read = 0; read < readsShown; read++) await presenter.sendRaw(shownRead(read));
  await Promise.all(senders);
  const expected = shownText.length * readsShown;
  await Promise.all(
    lookers.map(async (viewer) => {
      await viewer.until(() => ((viewer.flows.at(0)?.record.receivedBytes ?? 0) >= expected ? true : undefined));
      violations.push(...changesSeen(viewer));
      await viewer[Symbol.asyncDispose]();
    }),
  );
  if (connectionCount > 0) violations.push(`${connectionCount} connections reached the target`);
  if (presenter.framesOf("presented-end").length > 0) violations.push("a viewer ended the presentation");
  const log = [...gateway.stdout, ...gateway.stderr].join("");
  if ([token, key].some((secret) => log.includes(secret))) violations.push("a token is in the log");
  violations.push(...failuresOf(gateway));
  return { tried: count, checked: `${lookersMax} lookers saw ${readsShown} reads each, and nothing else`, violations };
}

const announced = { name: "it", transport: "tcp", address: "127.0.0.1:1", proxyHeaderBytes: 0 } as const;

function headersOf(user: string): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { authorization: basic(user, password) } };
}

async function openGuest({ gateway, token }: Scene): Promise<PageClient> {
  const guest = await PageClient.open(gateway.address, {}, "/ws?guest");
  guest.send({ type: "watch", presentation: token });
  await guest.frame("watching");
  return guest;
}

/** What a looker saw besides what the presenter did. */
function changesSeen({ flows }: PageClient): string[] {
  const strange = [...flows.flows.values()].slice(1).map(({ head }) => `a viewer showed ${head.name ?? "a stream"}`);
  const { events = [] } = flows.at(0)?.record ?? {};
  const isOther = events.some(({ bytes }) => Buffer.from(bytes ?? []).toString() !== shownText);
  return isOther ? [...strange, "a viewer changed what is shown"] : strange;
}

/** True when something that the viewer sent was done. */
function hasBegun(viewer: PageClient): boolean {
  return (["open", "end", "presenting", "listening"] as const).some((type) => viewer.framesOf(type).length > 0);
}

/** Sends one frame, which must do nothing; gives the viewer to go on with, if it is still there. */
async function tryOne(scene: Scene, isGuest: boolean, before?: PageClient): Promise<PageClient | undefined> {
  const { gateway, random, violations } = scene;
  const viewer =
    before ?? (isGuest ? await openGuest(scene) : await PageClient.open(gateway.address, headersOf("vic")));
  const message = strangeMessage(random, isGuest);
  const errorsBefore = viewer.framesOf("error").length;
  await viewer.sendRaw(message);
  // Of frames in one WebSocket the second is answered after the first.
  viewer.send({ type: "clock", at: 1 });
  const clocksBefore = viewer.framesOf("clock").length;
  const how = await Promise.race([
    viewer.closing.then(() => "closed" as const),
    viewer.until(() => (viewer.framesOf("clock").length > clocksBefore ? ("answered" as const) : undefined)),
  ]).catch(() => "closed" as const);
  // What a user sends for a stream that was refused is dropped without a word; a guest gets an error each time, and no more.
  const isRefused = isGuest ? viewer.framesOf("error").length > errorsBefore && how === "closed" : !hasBegun(viewer);
  if (!isRefused) {
    const shown = typeof message === "string" ? message : Buffer.from(message).toString("hex");
    violations.push(`a ${isGuest ? "guest" : "viewer"} was not refused: ${shown.slice(0, 200)}`);
  }
  if (how === "answered") return viewer;
  await viewer[Symbol.asyncDispose]();
  return undefined;
}

/** What no viewer may send. Wrong links are not among it: so many would make the right one wait. */
function strangeMessage(random: Random, isGuest: boolean): string | Uint8Array {
  if (random.chance(0.1)) return random.bytes(random.below(40));
  if (random.chance(0.2)) return strangeBytes(random);
  const text = encodeFrame(random.pick(framesOf(random, isGuest)));
  if (random.chance(0.7)) return text;
  const at = random.below(text.length);
  return `${text.slice(0, at)}${random.pick(["", "\\", "{", "9", "\u0000"])}${text.slice(at + random.below(3))}`;
}

function strangeBytes(random: Random): Uint8Array {
  const header = {
    kind: random.pick(["data", "written", "fin", "rst"] as const),
    leg: random.pick(["target", "client"] as const),
    isFromTarget: random.chance(0.5),
    isAfterGap: random.chance(0.1),
    queuedKiB: 0,
    id: random.pick([1, 2, streamIdMax, flowIdMin, flowIdMin + 1]),
    atMs: random.pick([0, 1, Number.NaN]),
  };
  const body = header.kind === "written" ? random.below(100) : header.kind === "data" ? random.bytes(8) : empty;
  return encodeByteFrame(header, body, (length) => new Uint8Array(length));
}

const empty = new Uint8Array(0);

function framesOf(random: Random, isGuest: boolean): readonly PageFrame[] {
  const id = random.pick([1, 2, 3, streamIdMax]);
  const key = Buffer.from(random.bytes(16)).toString("base64url");
  const totals = { sentBytes: 0, receivedBytes: random.below(100) };
  return [
    { type: "request", id, user: "vic", operation: random.below(8) },
    { type: "connect", id, target: "it", bytes: btoa("from a viewer"), end: random.chance(0.5) },
    { type: "end", id },
    { type: "reset", id },
    { type: "cancel", id },
    { type: "set-faults", port: random.below(65_536), faults: { isStalled: true } },
    { type: "present" },
    { type: "present", key },
    { type: "unpresent" },
    { type: "show", id, stream: { target: announced, at: {}, name: "by a viewer" } },
    { type: "shown", id, outcome: { reason: "reset" }, at: {}, ...totals },
    { type: "select", id: random.chance(0.5) ? id : null },
    // A user of the role viewer may send this one.
    ...(isGuest ? [{ type: "unwatch" } as const] : []),
  ];
}

function shownRead(read: number): Uint8Array {
  const leg = { kind: "data", leg: "target", isFromTarget: true, isAfterGap: false, queuedKiB: 0 } as const;
  const header = { ...leg, id: flowIdMin + 1, atMs: read };
  return encodeByteFrame(header, Buffer.from(shownText), (length) => new Uint8Array(length));
}
