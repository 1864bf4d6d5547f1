import { readChunkBytesDefault } from "../history.ts";

/** Bounds of a history in a file that a test makes small; no program changes them. */
export const fileHistoryDefaults = Object.freeze({
  /** Bytes of the largest chunk that a reader gets. */
  readChunkBytes: readChunkBytesDefault,
  /** Bytes of the file for which the index in memory holds one number: the count of line feeds before them. */
  indexBlockBytes: 16 * 1024,
  /** Milliseconds between two checks, while no request comes, of files that another program may have changed. */
  lookMs: 1000,
  /** Bytes that a rewrite copies at a time; appends get their turn between two pieces. It holds two of them. */
  rewritePieceBytes: 1024 * 1024,
});

type Bounds = Readonly<Record<keyof typeof fileHistoryDefaults, number>>;

/** How a history in a file is opened. */
export interface FileHistoryOptions extends Partial<Bounds> {
  /** Told, in whole sentences, what was recovered or found that a person should know. Must not throw. */
  readonly onNotice?: (sentence: string) => void;
  /** The time in whole microseconds since 1970; it may stand still or step back [H-2]. For tests. */
  readonly clock?: () => number;
}

export type FileHistorySettings = Bounds & Pick<FileHistoryOptions, "onNotice">;
