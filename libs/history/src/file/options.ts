/** How a history in a file is opened. All but `onNotice` are for tests, whose files are small and whose clocks jump. */
export interface FileHistoryOptions {
  /** Told, in whole sentences, what was mended or found that a person should know. Must not throw. */
  readonly onNotice?: (sentence: string) => void;
  /** The time in whole microseconds since 1970; it may stand still or step back [H-2]. */
  readonly clock?: () => number;
  /** Bytes of the largest chunk that a reader gets. */
  readonly readChunkBytes?: number;
  /** Bytes of a block of the index. */
  readonly indexBlockBytes?: number;
  /** Milliseconds between two looks whether the file is still there. */
  readonly lookMs?: number;
  /** Bytes that a rewrite copies at a time. */
  readonly rewritePieceBytes?: number;
}
