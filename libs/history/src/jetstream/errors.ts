import { setTimeout as pause } from "node:timers/promises";
import { PermissionViolationError } from "@nats-io/transport-node";
import { HistoryError } from "../errors.ts";
import { askAgainMs, askMsMax } from "./limits.ts";

/** The cluster cannot do it now, and may be able to later. */
export function unavailable(why: string, cause?: unknown): HistoryError {
  return new HistoryError("storage-unavailable", why, cause === undefined ? {} : { cause });
}

/**
 * Asks the cluster for something that may be asked twice, until it answers or `askMsMax` is over: while a stream elects
 * a leader, nobody answers.
 *
 * @param what went wrong if it fails, as the end of a sentence that begins with "the cluster"
 * @throws HistoryError `storage-unavailable`
 */
export async function attempt<Result>(what: string, ask: () => Promise<Result>): Promise<Result> {
  const deadlineMs = performance.now() + askMsMax;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof HistoryError) throw error;
      const { cause } = error as Error;
      if (cause instanceof PermissionViolationError) throw unavailable(`the cluster ${what}: ${cause.message}`, error);
      if (performance.now() > deadlineMs) throw unavailable(`the cluster ${what}: ${(error as Error).message}`, error);
      await pause(askAgainMs);
    }
  }
}
