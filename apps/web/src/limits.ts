/** Every bound of the page: what it keeps, how long it waits, how much it shows at once. */

/** Bytes of one exchange's reply that are kept from its start, so that a big history can be looked at and saved. */
export const replyHeadBytesKept = 32 * 1024 * 1024;

/** Bytes kept from the end of a reply that is longer; a follow has no end, so its newest bytes stay. */
export const replyTailBytesKept = 256 * 1024;

/** Bytes of all exchanges together; past it the oldest finished exchanges let go of theirs. */
export const allBytesKept = 96 * 1024 * 1024;

/** WebSocket frames of one exchange that are kept from its start, and from its end. */
export const framesKeptAtEachEnd = 8192;

/** Exchanges that are kept; past it the oldest finished one goes. */
export const exchangesKept = 5000;

/** Exchanges that the transcript draws at first, and with every "show earlier". */
export const transcriptPage = 50;

/** Bytes of a response that its card shows at first, split between its beginning and its end. */
export const previewBytes = 640;

/** Bytes of a response that its card shows after "show more". */
export const previewBytesMax = 64 * 1024;

/** Lines of the history that are kept in memory, the newest; earlier ones can be loaded again. */
export const historyLinesKept = 50_000;

/** Lines of the history that are read at once: when it is opened, and with every "load earlier". */
export const historyPageLines = 1000;

/** Bytes of one line of the history that are kept; the rest of a longer one is counted. */
export const historyLineBytesKept = 16 * 1024;

/** Times that a page of lines is read again because lines were deleted meanwhile. */
export const joinAttemptsMax = 5;

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

/** Messages that the composer recalls. */
export const recallKept = 100;

/** Arrows for chunks that the sequence diagram draws from the first, and up to the last. */
export const diagramChunksFirst = 5;
export const diagramChunksLast = 2;
