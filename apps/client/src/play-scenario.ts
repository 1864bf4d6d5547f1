/**
 * One scenario, played on one connection: the player says what to do next; this does it, and tells the player what came.
 * The verdict ends it. What is left of the connection is then closed as a program would: FIN, and reading until the
 * target's, but not for longer than `closingMsMax`. Where the scenario did not hold, the connection is left by RST.
 */

import { Connection, connectTimeoutMsDefault, type ConnectionOutcome, type Target } from "@wirebook/net";
import { encodeText, StreamRecord } from "@wirebook/protocol";
import { Player, type Action, type PlayerOptions, type Scenario } from "@wirebook/scenario";
import type { Io } from "./command.ts";
import { exportBounds, noteReset } from "./output/files.ts";

/** Milliseconds for which the target's FIN is waited for once a scenario has held. */
const closingMsMax = 1000;

/** Bytes that wait for the target; with more the player waits as well. */
const unsentBytesMax = 256 * 1024;

/** How a scenario ended: at which line, unless it held, and why. */
interface PlayOutcome {
  readonly verdict: "held" | "failed" | "timed-out" | "broken" | "interrupted";
  readonly line?: number | undefined;
  readonly message?: string;
}

export type Played = Awaited<ReturnType<typeof playScenario>>;

export async function playScenario(
  scenario: Scenario,
  target: Target,
  options: PlayerOptions,
  { listenForInterrupt }: Pick<Io, "listenForInterrupt">,
) {
  const { timeoutMs = scenario.timeoutMs } = options;
  const record = new StreamRecord(exportBounds);
  const player = new Player(scenario, options);
  const state = { isOpen: false, isInterrupted: false, over: undefined as ConnectionOutcome | undefined };
  let wake: (() => void) | undefined;

  /** Waits until something happens, or until then; false when nothing has. */
  async function happens(untilMs?: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    wake = () => resolve(true);
    const timer = untilMs === undefined ? undefined : setTimeout(resolve, untilMs - performance.now(), false);
    const hasHappened = await promise;
    clearTimeout(timer);
    return hasHappened;
  }

  const stopListening = listenForInterrupt(() => {
    state.isInterrupted = true;
    wake?.();
  });
  const { timeoutMs: connectTimeoutMs = connectTimeoutMsDefault } = options;
  const conversation = { message: new Uint8Array(0), connectTimeoutMs, record };
  const connection = new Connection(target, conversation, {
    onOpen() {
      state.isOpen = true;
      wake?.();
    },
    onRead(bytes, atMs) {
      player.received(bytes, atMs);
      wake?.();
    },
    onWritten: () => wake?.(),
    onFin(isFromTarget) {
      if (isFromTarget) player.ended("fin");
      wake?.();
    },
    onOver(how) {
      state.over = how;
      if ("reason" in how) {
        if (how.reason === "fin") player.ended("fin");
      } else if (how.code === "connection-reset" && state.isOpen) {
        noteReset(record);
        player.ended("rst");
      } else player.failed(how.message);
      wake?.();
    },
  }).connect();

  function perform({ kind, ...action }: Action): void {
    if ("bytes" in action) connection.write(action.bytes);
    else if (kind === "end") connection.end();
    // A Unix socket has no RST, and is closed.
    else if (!connection.reset()) connection.cancel();
  }

  async function decide(): Promise<PlayOutcome> {
    for (;;) {
      const { isOpen, isInterrupted, over } = state;
      const { verdict, next } = player;
      const unsentBytes = over === undefined ? connection.unsentBytes : 0;
      if (isInterrupted) return { verdict: "interrupted", message: "interrupted" };
      if (!isOpen && over === undefined) {
        await happens();
      } else if (verdict !== undefined && verdict.kind !== "held") {
        const isLate = over !== undefined && "code" in over && over.code === "connect-timeout";
        return { verdict: isLate ? "timed-out" : verdict.kind, line: verdict.line, message: verdict.sentence };
      } else if (unsentBytes > (verdict === undefined ? unsentBytesMax : 0)) {
        // A scenario that ends with something to send has held once the target takes it.
        if (await happens(performance.now() + timeoutMs)) continue;
        const message = `the target took nothing for ${timeoutMs} ms, and ${unsentBytes} bytes wait to be sent`;
        return { verdict: "timed-out", line: next?.line, message };
      } else if (verdict !== undefined) {
        return { verdict: "held" };
      } else {
        const action = player.advance(performance.now());
        if (action !== undefined) perform(action);
        else if (player.verdict === undefined) await happens(player.deadlineMs);
      }
    }
  }

  const outcome = await decide();
  /** From the connecting to the verdict. */
  const ms = performance.now() - (record.at.connecting ?? 0);
  if (outcome.verdict === "held" && state.over === undefined) {
    connection.end();
    const untilMs = performance.now() + closingMsMax;
    while (state.over === undefined && !state.isInterrupted && (await happens(untilMs)));
  }
  connection.cancel();
  stopListening();
  hideSecret(record, player.secret);
  return { outcome, results: player.results, ms, record };
}

/** Puts asterisks in place of a key wherever it was sent or came back, across reads as well. */
function hideSecret({ events }: StreamRecord, secret = ""): void {
  const key = Buffer.from(encodeText(secret)).toString("latin1");
  if (key === "") return;
  for (const isFromTarget of [false, true]) {
    const ofOneWay = events.filter((event) => event.isFromTarget === isFromTarget && event.bytes !== undefined);
    const all = Buffer.concat(ofOneWay.map(({ bytes = new Uint8Array(0) }) => bytes)).toString("latin1");
    const hidden = Buffer.from(all.replaceAll(key, "*".repeat(key.length)), "latin1");
    let from = 0;
    for (const event of ofOneWay) event.bytes = hidden.subarray(from, (from += event.byteCount));
  }
}
