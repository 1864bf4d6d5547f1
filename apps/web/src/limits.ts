/** Every bound of the page: what it keeps, how long it waits, how much it shows at once. */

/** Lines of the history that are held (the page of them that was looked at longest ago goes), and bytes of one. */
export const historyLinesKept = 150_000;
export const historyLineBytesKept = 16 * 1024;

/** Lines that are read at once, and read before and behind those that are seen. */
export const historyPageLines = 1000;
export const historyAheadLines = 250;

/** Milliseconds for which the scrolling must have settled before lines are read. */
export const scrollSettleMs = 80;

/** Milliseconds in which the follow must reach the version that a read names, and times that it is read again after deletes. */
export const snapshotWaitMs = 10_000;
export const readTriesMax = 5;

/** Lines that match a filter that are kept, the newest; lines that are searched at once, and in one go between drawings. */
export const matchesKept = 50_000;
export const scanBlockLines = 50_000;
export const scanSliceLines = 5000;

/** Characters of a filter, and milliseconds after the last key before it searches at the server. */
export const filterCharactersMax = 500;
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

/** Streams of the page and flows that are kept, and bytes of all of them: past either, the oldest that is over goes first. */
export const streamsKept = 5000;
export const allBytesKept = 96 * 1024 * 1024;
export const flowsKept = 2000;
export const flowBytesKept = 64 * 1024 * 1024;

/** Reads of the page's own that are kept, of those made to show lines and to search. */
export const ownReadsKept = 8;

/** Bytes of the response that are kept to tell an error by its prefix and to repeat its sentence. */
export const answerBytesMax = 1024;

/** Milliseconds after its first answer in which a conversation may still end at once; then it is told of as open. */
export const openAfterMs = 500;

/** Characters of the command line. */
export const lineCharactersMax = 64 * 1024;

/** Bytes of a line in one row, and rows of one stream as lines: all that are kept, and the first of them. */
export const lineBytesMax = 1024;
export const streamLinesKept = 10_000;
export const firstLinesKept = 500;

/** Rows of a reply as a table, and bytes that are read for them. */
export const tableRowsMax = 1000;
export const tableBytesMax = 1024 * 1024;

/** Matches of Find that are told apart. */
export const findMatchesMax = 10_000;

/** Streams that the browser keeps over a reload, the characters of all of them together, and of one. */
export const keptStreamsMax = 500;
export const keptBytesMax = 16 * 1024 * 1024;
export const keptStreamBytesMax = 2 * 1024 * 1024;

/** Entries that a presentation shows; frames that go at once, every so many milliseconds; bytes that may wait toward the gateway. */
export const presentedStreamsMax = 50;
export const presentedAtOnce = 200;
export const presentEveryMs = 20;
export const presentWaitingBytesMax = 128 * 1024;

/** Lines of a scenario that are edited: each key parses and draws them all. */
export const scenarioLinesMax = 5000;

/** Steps of a play that go at once, every so many milliseconds: below the gateway's frame rate; bytes that may wait toward it. */
export const playStepsAtOnce = 64;
export const playTurnMs = 4;
export const playWaitingBytesMax = 1024 * 1024;

/** Milliseconds after the verdict of a play in which its target should close the connection, too. */
export const playCloseMs = 1000;
