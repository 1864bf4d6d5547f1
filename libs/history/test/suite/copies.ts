/** Whoever applies a feed has a copy, whatever appends and deletes run at once: a property. */

import { timestampOf } from "@wirebook/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Feed, History } from "../../src/index.ts";
import { applyLine, LineReader, linesOf, splitLines, textOf } from "../reading.ts";
import { actor, asked, fill } from "./steps.ts";
import type { OpenNew } from "./steps.ts";
/** What a random program does; a delete names a line by a share of those there are, so that most exist. */
type Action =
  | { readonly verb: "append"; readonly message: string }
  | { readonly verb: "delete"; readonly share: number }
  | { readonly verb: "delete-all" | "pause" | "read" };

/** What a read answered, and the version that it named. */
interface VersionRead {
  readonly lines: readonly string[];
  readonly count: number;
  readonly time: string;
}

// Building `unit: "binary"` takes seconds: it makes a table of all characters.
const anyCharacter = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));
const append = fc.string({ unit: anyCharacter }).map((message): Action => ({ verb: "append", message }));
const deleteOne = fc.double({ min: 0, max: 1.1, noNaN: true }).map((share): Action => ({ verb: "delete", share }));
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: append },
  { weight: 3, arbitrary: deleteOne },
  { weight: 1, arbitrary: fc.constant<Action>({ verb: "delete-all" }) },
  { weight: 2, arbitrary: fc.constant<Action>({ verb: "pause" }) },
);
const actionOrRead = fc.oneof(
  { weight: 2, arbitrary: action },
  { weight: 1, arbitrary: fc.constant<Action>({ verb: "read" }) },
);

/** Declares the test. */
export function describeCopies(open: OpenNew): void {
  test("keeps an exact copy for whoever applies a feed, while appends and deletes run at once", async () => {
    await using history = await open();
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), fc.nat(4), async (actions, before) => {
        await history.deleteAll(actor);
        const start = await fill(history, ...Array.from({ length: before }, (_, at) => `before ${at}`));
        await using feed = await history.follow();
        await using whole = await history.follow(1);
        const written = await run(history, actions);
        const end = await history.append(asked("the end"));
        const lines = await linesOf(history);
        expect(await copyUntil(feed, [...start], end.time)).toEqual(lines);
        expect(await copyUntil(whole, [], end.time)).toEqual(lines);
        expect(new Set(written).size).toBe(written.length);
      }),
      { numRuns: 60 },
    );
  });
}

/** Declares the test of the versions that reads name. */
export function describeVersions(open: OpenNew): void {
  test("names with each read the version that it read, while appends and deletes run at once", async () => {
    await using history = await open();
    await fc.assert(
      fc.asyncProperty(fc.array(actionOrRead, { maxLength: 40 }), async (actions) => {
        await history.deleteAll(actor);
        const copy = await linesOf(history);
        await using feed = await history.follow();
        const reads: VersionRead[] = [];
        await run(history, actions, reads);
        const end = await history.append(asked("the end"));
        const versions = new Map([[timestampOf(copy[0] as string), [...copy]]]);
        const reader = new LineReader(feed);
        for (let time = ""; time !== end.time;) {
          const line = (await reader.take(1))[0] as string;
          applyLine(copy, line);
          time = timestampOf(line);
          versions.set(time, [...copy]);
        }
        for (const { lines, count, time } of reads) {
          expect(lines).toEqual(versions.get(time));
          expect(count).toBe(lines.length);
        }
      }),
      { numRuns: 60 },
    );
  });
}

async function readVersion(history: History): Promise<VersionRead> {
  const snapshot = await history.read();
  const lines = splitLines(await textOf(snapshot));
  return { lines, count: snapshot.lines, time: snapshot.time };
}

/** Starts the actions without waiting, but for the pauses; returns the times of all that were acknowledged. */
async function run(history: History, actions: readonly Action[], reads: VersionRead[] = []): Promise<string[]> {
  const running: Promise<string | undefined>[] = [];
  const start = (promise: Promise<{ time: string }>): void => {
    running.push(
      promise.then(
        ({ time }) => time,
        (error: { code?: string }) => {
          if (error.code !== "no-such-line") throw error;
          return undefined;
        },
      ),
    );
  };
  for (const step of actions) {
    if (step.verb === "append") start(history.append(asked(step.message)));
    else if (step.verb === "read") {
      running.push(
        readVersion(history)
          .then((read) => void reads.push(read))
          .then(() => undefined),
      );
    } else if (step.verb === "delete") {
      start(history.deleteLine(actor, 1 + Math.floor(step.share * history.size().lines)));
    } else if (step.verb === "delete-all") start(history.deleteAll(actor));
    else await running.at(-1);
  }
  return (await Promise.all(running)).filter((time) => time !== undefined);
}

/** Applies a feed to a copy up to the line with that time. */
async function copyUntil(feed: Feed, copy: string[], time: string): Promise<string[]> {
  const reader = new LineReader(feed);
  while (copy.at(-1)?.startsWith(time) !== true) applyLine(copy, (await reader.take(1))[0] as string);
  return copy;
}
