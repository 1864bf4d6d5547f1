/**
 * Deletes, one after another: an outcome that is stored only if no other change came since this server looked.
 *
 * Appends do not move the lines before them, so between looking and storing only another change could make line N
 * another line; then the outcome is refused, and the server looks again.
 */

import { decodeText, timestampOf } from "@wirebook/protocol";
import type { Outcome } from "@wirebook/protocol";
import type { Actor, AppendResult } from "@wirebook/history";
import { lineChanged, noSuchLine } from "@wirebook/history";
import type { Cluster } from "./cluster.ts";
import { deleteAttemptsMax } from "./limits.ts";
import { encodeOutcomeMessage, lineBytes } from "./message.ts";
import type { StoredMessage } from "./message.ts";
import { headers } from "./names.ts";
import { attempt, unavailable } from "./errors.ts";
import { PublishRefused, wrongLastSequence } from "./publisher.ts";
import type { Publisher } from "./publisher.ts";
import type { Projection } from "./projection.ts";

/** What changes come through. */
export interface ChangeSource {
  readonly cluster: Cluster;
  readonly publisher: Publisher;
  /** The one that counts now. */
  readonly view: () => Projection;
  /** Resolves when the view has seen a sequence. */
  readonly seen: (sequence: number) => Promise<AppendResult>;
}

/** Deletes a line. @throws HistoryError `no-such-line`, `line-changed`, `storage-unavailable` */
export async function deleteLine(source: ChangeSource, by: Actor, line: number, head?: string): Promise<AppendResult> {
  for (let tries = 0; tries < deleteAttemptsMax; tries++) {
    const view = source.view();
    const lastChange = view.lastChange;
    const target = await findLine(source.cluster, view, line);
    // Another server deleted it meanwhile; its outcome is about to be seen.
    if (target === undefined) {
      await seeLastChange(source);
      continue;
    }
    const actual = headOfMessage(view, target);
    if (head !== undefined && timestampOf(head) !== actual) throw lineChanged(line, actual, head);
    const more = { [headers.erases]: String(target.sequence), [headers.erasedBytes]: String(lineBytes(target)) };
    const written = await publishChange(source, by, { verb: "deleted-line", line, head: actual }, lastChange, more);
    if (written !== undefined) return written;
    await seeLastChange(source);
  }
  throw unavailable(`other deletes came first ${deleteAttemptsMax} times`);
}

/** Deletes all lines. @throws HistoryError `storage-unavailable` */
export async function deleteAll({ cluster, publisher, seen }: ChangeSource, by: Actor): Promise<AppendResult> {
  const data = encodeOutcomeMessage(by, { verb: "deleted-all" });
  const sequence = await publisher.publish(cluster.names.change, data, { [headers.erases]: "all" });
  const { time } = await seen(sequence);
  return { position: 1, time };
}

/** `undefined` when another change came first. */
async function publishChange(
  { cluster, publisher, seen }: ChangeSource,
  by: Actor,
  outcome: Outcome,
  lastChange: number,
  more: Readonly<Record<string, string>>,
): Promise<AppendResult | undefined> {
  const expected = { ...more, [headers.lastOfSubject]: String(lastChange) };
  try {
    return await seen(await publisher.publish(cluster.names.change, encodeOutcomeMessage(by, outcome), expected));
  } catch (error) {
    if (error instanceof PublishRefused && error.code === wrongLastSequence) return undefined;
    throw error;
  }
}

async function findLine(cluster: Cluster, view: Projection, line: number): Promise<StoredMessage | undefined> {
  const { lines } = view;
  if (!Number.isSafeInteger(line) || line < 1 || line > lines) throw noSuchLine(line, lines);
  const sequence = view.sequenceOf(line);
  const message = await attempt("did not give the line", () =>
    cluster.manager.streams.getMessage(cluster.names.stream, { seq: sequence }),
  );
  if (message === null) return undefined;
  const { header, data, subject, timestamp } = message;
  return { sequence, takenUs: microsecondsOf(timestamp), subject, headers: header, data };
}

/** Of a line of ours its time; of a foreign one its first word. */
function headOfMessage(view: Projection, message: StoredMessage): string {
  return timestampOf(decodeText(view.lineOf(message)));
}

/** The view must have seen the change that came first, or the next attempt would be refused as well. */
async function seeLastChange({ cluster, view, seen }: ChangeSource): Promise<void> {
  const { manager, names } = cluster;
  const last = await attempt("did not tell which change came first", () =>
    manager.streams.getMessage(names.stream, { last_by_subj: names.change }),
  );
  if (last !== null && last.seq > view().last) await seen(last.seq);
}

function microsecondsOf(timestamp: string): number {
  // RFC 3339 with up to nine digits: 2026-11-22T20:31:05.123456789Z
  const [seconds = "", fraction = ""] = timestamp.replace(/Z$/, "").split(".");
  return Date.parse(`${seconds}Z`) * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
