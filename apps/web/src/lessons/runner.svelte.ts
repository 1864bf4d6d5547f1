/** One lesson: predict, run, observe. A run that the gateway or the network spoiled decides nothing. */

import { defined, encodeText, type AnnouncedTarget } from "@wirebook/protocol";
import type { App } from "../app.svelte.ts";
import { serverName } from "../gateway/targets.ts";
import { explainFailure } from "../streams/result.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import { factsOf } from "./facts.ts";
import type { Deed, Lesson, LessonOrder, Observation, Runs } from "./lesson.ts";

/** Milliseconds that a deed waits for bytes, that a whole run takes, and that a stream which was left takes to be over. */
const replyWaitMsMax = 5000;
const runMsMax = 20_000;
const leaveMsMax = 2000;

const lookEveryMs = 20;

type Parts = Pick<App, "commandLine" | "connection" | "identity" | "streams">;

export class LessonRunner {
  state = $state<"predict" | "running" | "observed">("predict");
  chosen = $state<string>();
  /** Why the last run decides nothing, in a sentence. */
  problem = $state("");
  streams = $state.raw<readonly Stream[]>([]);
  runs = $state.raw<Runs>([]);
  readonly #lesson: Lesson;
  readonly #parts: Parts;
  #isLeft = false;

  constructor(lesson: Lesson, parts: Parts) {
    this.#lesson = lesson;
    this.#parts = parts;
  }

  /** In the name of the command line, with its key. */
  get #orders(): readonly LessonOrder[] {
    const { commandLine, identity } = this.#parts;
    return this.#lesson.orders(identity.keyring.withKey(commandLine.name));
  }

  /** Why it cannot be run here at all, in a sentence; `undefined` when it can. */
  get obstacle(): string | undefined {
    const { hello } = this.#parts.connection;
    if (hello === undefined) return undefined;
    if (hello.role === "viewer") return "You may look, not send: the operator of the gateway gave you the role viewer.";
    const missing = this.#orders.find(({ target }) => this.#targetOf(target) === undefined)?.target;
    if (missing === undefined) return undefined;
    return missing === serverName
      ? "This lesson needs a Wirebook server, and this gateway has none."
      : "This lesson needs a service of the gateway. Its operator starts that with `--lessons`.";
  }

  get answer(): string | undefined {
    return this.state === "observed" ? this.#lesson.answer(this.runs) : undefined;
  }

  get observations(): readonly Observation[] {
    return this.state === "observed" ? this.#lesson.observe(this.runs) : [];
  }

  async run(): Promise<boolean> {
    if (this.chosen === undefined || this.obstacle !== undefined || this.state === "running") return false;
    this.state = "running";
    this.problem = "";
    const orders = this.#orders;
    this.streams = orders.map((order) => this.#start(order)).filter((stream) => stream !== undefined);
    await Promise.all(this.streams.map((stream, at) => this.#carryOut(stream, orders[at]?.deeds ?? [])));
    if (this.#isLeft) return false;
    this.runs = this.streams.map(factsOf);
    this.problem = this.#findProblem(orders);
    this.state = this.problem === "" ? "observed" : "predict";
    return this.problem === "";
  }

  again(): void {
    this.state = "predict";
    this.chosen = undefined;
  }

  /** The learner went elsewhere: what runs is ended. */
  leave(): void {
    this.#isLeft = true;
    for (const stream of this.streams) if (stream.state === "running") this.#parts.streams.close(stream, "cancel");
  }

  #targetOf(name: string): AnnouncedTarget | undefined {
    const { targets = [], lessons = [] } = this.#parts.connection.hello ?? {};
    return [...targets, ...lessons].find((target) => target.name === name);
  }

  #start({ target: name, writes, gapMs = 0, end = false, read }: LessonOrder): Stream | undefined {
    const target = this.#targetOf(name);
    if (target === undefined) return undefined;
    const text = writes.join("");
    const steps = writes.map((write, at) => ({ afterMs: at === 0 ? 0 : gapMs, bytes: encodeText(write).length }));
    const schedule = writes.length > 1 ? steps : undefined;
    return this.#parts.streams.connect({
      by: "user",
      user: name === serverName ? (text.trim().split(/\s/u, 1)[0] ?? "") : "",
      target,
      bytes: encodeText(text),
      end,
      ...defined({ purpose: name === serverName ? "in a lesson" : undefined, schedule, read }),
    });
  }

  async #carryOut(stream: Stream, deeds: readonly Deed[]): Promise<void> {
    const { streams } = this.#parts;
    const endMs = performance.now() + runMsMax;
    for (const deed of deeds) {
      if (deed.after === "reply") await untilMore(stream);
      else await stream.overWithin(deed.after);
      if (stream.state !== "running") break;
      if ("send" in deed) streams.write(stream, encodeText(deed.send));
      else streams.close(stream, deed.do);
    }
    await stream.overWithin(Math.max(0, endMs - performance.now()));
    if (stream.state === "running") streams.close(stream, "cancel");
    await stream.overWithin(leaveMsMax);
  }

  #findProblem(orders: readonly LessonOrder[]): string {
    if (this.streams.length < orders.length) return "The gateway was not connected. Press Run again.";
    for (const [at, stream] of this.streams.entries()) {
      const { name = "", mayFail = false } = orders[at] ?? {};
      const failed = explainFailure(stream);
      if (failed !== undefined && !(mayFail && stream.failure?.hop === "gateway-server"))
        return `${name} failed, so this run decides nothing. ${failed.where} ${failed.why} Press Run again.`;
      if (stream.isWithServer && stream.answer === "unauthenticated")
        return "The server does not accept your name. Type one that it accepts into the command line, and press Run again.";
    }
    return "";
  }
}

/** Settles when bytes have come since the call, when the stream is over, or when that takes too long. */
async function untilMore(stream: Stream): Promise<void> {
  const before = stream.receivedBytes;
  const endMs = performance.now() + replyWaitMsMax;
  while (stream.state === "running" && stream.receivedBytes === before && performance.now() < endMs) {
    await stream.overWithin(lookEveryMs);
  }
}
