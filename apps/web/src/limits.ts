/** Every bound of the page: what it keeps, how long it waits, how much it shows at once. */

/** Bytes of one exchange's reply that are kept from its start, so that a big history can be looked at and saved. */
export const replyHeadBytesKept = 32 * 1024 * 1024;

/** Bytes kept from the end of a reply that is longer; a follow has no end, so its newest bytes stay. */
export const replyTailBytesKept = 256 * 1024;

/** Bytes of all exchanges together; past it the oldest finished exchanges let go of theirs. */
export const allBytesKept = 96 * 1024 * 1024;

/** WebSocket frames of one exchange that are kept from its start, and from its end. */
export const framesKeptAtEachEnd = 8192;

/** Frames, and bytes of the reply, kept at each end of an exchange that the page made for itself. */
export const ownFramesKeptAtEachEnd = 1024;
export const ownReplyBytesKept = 128 * 1024;

/** Reads of the page's own that the transcript keeps, of those made to show lines and to search. */
export const ownReadsKept = 8;

/** Exchanges that are kept; past it the oldest finished one goes. */
export const exchangesKept = 5000;

/** Milliseconds that the drawing of an exchange waits for its end. Nobody sees so short a wait. */
export const drawDelayMs = 50;

/** Exchanges that the transcript draws at first, and with every "show earlier". */
export const transcriptPage = 50;

/** Bytes of a response that its card shows at first, split between its beginning and its end. */
export const previewBytes = 640;

/** Bytes of a response that its card shows after "show more". */
export const previewBytesMax = 64 * 1024;

/** Lines of the history that are held in memory; past it the page of them that was not looked at longest is let go. */
export const historyLinesKept = 50_000;

/** Lines of the history that are read at once, where they are looked at. */
export const historyPageLines = 1000;

/** Lines before and behind those that are seen that are read as well. */
export const historyAheadLines = 250;

/** Milliseconds for which the scrolling must have settled before lines are read. */
export const scrollSettleMs = 80;

/** Bytes of one line of the history that are kept; the rest of a longer one is counted. */
export const historyLineBytesKept = 16 * 1024;

/** Milliseconds within which the follow must reach the version of the history that a read names. */
export const snapshotWaitMs = 10_000;

/** Times that a delete is asked for because the line has moved meanwhile. */
export const deleteAttemptsMax = 3;

/** Milliseconds that a refused delete waits for the follow to tell why. */
export const deleteCatchUpMs = 1000;

/** Pages of lines that are looked through for the line of an address. */
export const locateReadsMax = 40;

/** Lines that match a filter that are kept, the newest. */
export const matchesKept = 50_000;

/** Lines that are read at once when earlier ones are searched or counted. */
export const scanBlockLines = 50_000;

/** Lines that are looked at in one go; then the page may draw. */
export const scanSliceLines = 2000;

/** Buckets of time in a plot, and names that it tells apart. */
export const histogramBucketsMax = 240;
export const histogramSeriesMax = 64;

/** Names that a plot shows beside the others, and milliseconds between two drawings of it. */
export const plotSeriesMax = 5;
export const plotRedrawMs = 250;

/** Places that are marked because lines were read there afterwards. */
export const gapMarksKept = 100;

/** Deletes of which it is remembered who did them. */
export const deletionsRemembered = 1000;

/** Milliseconds before the first new attempt to connect. Doubled for every further one… */
export const retryDelayMs = 500;

/** …up to this many. */
export const retryDelayMsMax = 15_000;

/** Milliseconds that a gateway may ask a page to wait before it connects again; it is not believed beyond that. */
export const retryHintMsMax = 60_000;

/** Milliseconds within which a gateway must say hello. */
export const helloTimeoutMs = 10_000;

/** Clock round trips made when a connection opens, and the milliseconds between them. */
export const clockRoundsAtOpen = 6;
export const clockRoundGapMs = 60;

/** Milliseconds between clock round trips afterwards. */
export const clockIntervalMs = 15_000;

/** Milliseconds without an answer to a clock frame after which the gateway is given up. */
export const clockSilenceMs = 10_000;

/** Clock round trips that are remembered; the best of them counts. */
export const clockRoundsKept = 16;

/** Names whose keys this browser keeps. */
export const keysKept = 50;

/** Bytes of the answer to operation 4 in which a name with its key is looked for. */
export const answeredKeyBytesMax = 1024;

/** Messages that the composer recalls. */
export const recallKept = 100;

/** Arrows for chunks that the sequence diagram draws from the first, and up to the last. */
export const diagramChunksFirst = 5;
export const diagramChunksLast = 2;

/** Characters of the address of an exchange: what mail and chat programs still take. */
export const linkCharactersMax = 16_384;

/** Bytes of the record in it, unpacked. */
export const linkRecordBytesMax = 1024 * 1024;

/** Exchanges that the fault lab begins at once. */
export const faultRunsMax = 32;

/** What the fragment of an exchange begins with. */
export const exchangeLinkPrefix = "#exchange=";
