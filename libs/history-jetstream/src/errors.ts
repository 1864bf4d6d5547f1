import { setTimeout as pause } from "node:timers/promises";
import { PermissionViolationError } from "@nats-io/transport-node";
import { HistoryError } from "@wirebook/history";
import { askAgainMs, askMsMax } from "./limits.ts";

/** The cluster cannot do it now, and may be able to later. */
export function unavailable(why: string, cause?: unknown): HistoryError {
  return new HistoryError("storage-unavailable", why, cause === undefined ? {} : { cause });
}

/** True when the cluster does not permit what was asked, which asking again does not change. */
export function isDenied(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof PermissionViolationError;
}

/**
 * Asks the cluster for something that may be asked twice, until it answers or the time is over: while a stream elects
 * a leader, nobody answers.
 *
 * @param what went wrong if it fails, as the end of a sentence that begins with "the cluster"
 * @throws HistoryError `storage-unavailable`
 */
export async function attempt<Result>(
  what: string,
  ask: () => Promise<Result>,
  withinMs: number = askMsMax,
): Promise<Result> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof HistoryError) throw error;
      if (isDenied(error)) {
        throw unavailable(`the cluster ${what}: ${((error as Error).cause as Error).message}`, error);
      }
      if (performance.now() > deadlineMs) throw unavailable(`the cluster ${what}: ${(error as Error).message}`, error);
      await pause(askAgainMs);
    }
  }
}
