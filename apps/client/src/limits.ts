/** Every bound of the client. */

/** The longest `--timeout` in milliseconds: a day. */
export const timeoutMsMax = 86_400_000;

/** Lines that the prompt remembers from one run to the next. */
export const promptHistoryLinesMax = 500;

/** Bytes of the kept history that are read when a prompt starts; lines before them are forgotten. */
export const promptHistoryBytesMax = 1024 * 1024;

/** Characters of one followed line that `--json` holds to write it as one object; the rest of the line is left out. */
export const followedLineCharactersMax = 1024 * 1024;

/** Rows that `--trace` prints for chunks; those between the first and the last are summed up. */
export const traceChunkRowsMax = 40;

/** Rows at the end that stay when those in the middle are summed up. */
export const traceChunkRowsLast = 8;

/** Characters of the first line of a response to a follow; a longer one is not that with which a follow begins. */
export const followingCharactersMax = 64;

/** Bytes of the file that `--pcap` writes; what comes after them is counted and left out. */
export const pcapBytesMax = 1024 * 1024 * 1024;
