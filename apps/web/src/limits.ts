/** Every bound of the page: what it keeps, how long it waits, how much it shows at once. */

/** Lines of the history that are held in memory; past it the page of them that was not looked at longest is let go. */
export const historyLinesKept = 150_000;

/** Lines of the history that are read at once, where they are looked at. */
export const historyPageLines = 1000;

/** Lines before and behind those that are seen that are read as well. */
export const historyAheadLines = 250;

/** Milliseconds for which the scrolling must have settled before lines are read. */
export const scrollSettleMs = 80;

/** Bytes of one line of the history that are kept. */
export const historyLineBytesKept = 16 * 1024;

/** Milliseconds within which the follow must reach the version of the history that a read names. */
export const snapshotWaitMs = 10_000;

/** Times that lines are read again because one was deleted meanwhile. */
export const readTriesMax = 5;

/** Lines that match a filter that are kept, the newest. */
export const matchesKept = 50_000;

/** Lines that are read at once when earlier ones are searched. */
export const scanBlockLines = 50_000;

/** Lines that are looked at in one go; then the page may draw. */
export const scanSliceLines = 5000;

/** Characters of a filter. */
export const filterCharactersMax = 500;

/** Milliseconds after the last key before a filter searches what is not held, which leaves lines in the history. */
export const filterSettleMs = 300;

/**
 * What is kept of one stream, by who makes it. A reply that the user requested can be big, and is looked at and saved;
 * what the page reads for itself it holds elsewhere. Of a stream without an end the newest bytes stay.
 */
export const streamBounds = {
  user: { firstEventsKept: 8192, lastEventsKept: 8192, bytesKept: 32 * 1024 * 1024 },
  page: { firstEventsKept: 1024, lastEventsKept: 1024, bytesKept: 256 * 1024 },
  flow: { firstEventsKept: 1024, lastEventsKept: 7168, bytesKept: 8 * 1024 * 1024 },
} as const;

/** Text frames, and byte frames that the page sent, that are kept of one stream: the first and the newest. */
export const controlFramesKept = 1024;

/** Bytes of all exchanges together; past it the oldest finished exchanges lose theirs. */
export const allBytesKept = 96 * 1024 * 1024;

/** Flows that are kept, and bytes of all of them: past either, the oldest that is over goes, or loses its bytes. */
export const flowsKept = 2000;
export const flowBytesKept = 64 * 1024 * 1024;

/** Exchanges that are kept; past it the oldest finished one goes. */
export const streamsKept = 5000;

/** Reads of the page's own that the conversation keeps, of those made to show lines and to search. */
export const ownReadsKept = 8;

/** Bytes of the response that are kept to tell an error by its prefix and to repeat its sentence. */
export const answerBytesMax = 1024;

/** Characters of the command line. */
export const lineCharactersMax = 64 * 1024;

/** Milliseconds after its first answer in which a conversation may still end at once; then it is told of as open. */
export const openAfterMs = 500;

/** Bytes of a line that stand in one row; a longer one goes on in the next. */
export const lineBytesMax = 1024;

/** Rows of one stream that can be looked at as lines: the first and the newest. */
export const streamLinesKept = 10_000;
export const firstLinesKept = 500;

/** Rows of a reply that are shown as a table, and bytes that are read for them. */
export const tableRowsMax = 1000;
export const tableBytesMax = 1024 * 1024;

/** Matches of Find that are told apart. */
export const findMatchesMax = 10_000;

/** Streams that the browser keeps over a reload, the characters of all of them together, and of one. */
export const keptStreamsMax = 500;
export const keptBytesMax = 16 * 1024 * 1024;
export const keptStreamBytesMax = 2 * 1024 * 1024;

/** Milliseconds after which what is over is written there. */
export const keepDelayMs = 200;

/** Entries that a presentation shows: the newest that were there, and those that run at once. */
export const presentedStreamsMax = 50;

/** Milliseconds for which frames of a presentation are gathered, and how many go at once. */
export const presentEveryMs = 20;
export const presentedAtOnce = 200;

/** Bytes that may wait toward the gateway; past it a presentation pauses, and what is not kept meanwhile is a gap. */
export const presentWaitingBytesMax = 128 * 1024;

/** Milliseconds after the verdict of a play within which its target should close the connection, too. */
export const playCloseMs = 1000;

/** Steps of a play that are carried out in one go, and the milliseconds until the next go: below the gateway's frame rate. */
export const playStepsAtOnce = 64;
export const playTurnMs = 4;

/** Lines of a scenario that are edited: each key parses and draws them all. */
export const scenarioLinesMax = 5000;

/** Bytes that may wait toward the gateway; past it a play pauses. */
export const playWaitingBytesMax = 1024 * 1024;
