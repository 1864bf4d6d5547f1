import { HistoryError } from "../errors.ts";

/** The cluster cannot do it now, and may be able to later. */
export function unavailable(why: string, cause?: unknown): HistoryError {
  return new HistoryError("storage-unavailable", why, cause === undefined ? {} : { cause });
}

/**
 * Asks the cluster for something.
 *
 * @param what went wrong if it fails, as the end of a sentence that begins with "the cluster"
 * @throws HistoryError `storage-unavailable`
 */
export async function attempt<Result>(what: string, ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof HistoryError) throw error;
    throw unavailable(`the cluster ${what}: ${(error as Error).message}`, error);
  }
}
