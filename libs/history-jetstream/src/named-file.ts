import { readFileSync } from "node:fs";
import { HistoryError } from "@wirebook/history";

/** What a file holds that an option names. @throws HistoryError `storage-failed` with a sentence that names both */
export function readNamed(path: string, option: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw cannotReach(`${path}, of ${option}, cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** The operator must mend it before there is a connection. */
export function cannotReach(why: string): HistoryError {
  return new HistoryError("storage-failed", `the history on NATS cannot be reached: ${why}`);
}
