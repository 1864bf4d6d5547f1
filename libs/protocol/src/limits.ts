/** Every bound of the wire protocol and of the gateway's frames that both ends must know. */

/** Bytes of a message, without its line ending [W-3]. */
export const messageBytesMax = 2048;
/** Silence, in milliseconds, that ends a message which its client did not terminate [W-5]. */
export const messageSilenceMs = 250;
/** Milliseconds from the opening of a connection within which its message must have ended [W-6]. */
export const messageDeadlineMs = 10_000;
/** Characters (Unicode code points) of a username, without its key [W-9]. */
export const nameCharactersMax = 64;
/** Letters and digits in a row from which on a word may be a key; keys have 26 [W-9]. */
export const keyRunCharactersMin = 20;
/** Letters, and digits, that such a row must have at least: a long number or a long word is no key. */
export const keyRunSortMin = 4;
/** Characters (Unicode code points) of a word that an error's sentence repeats [W-14]. */
export const quotedCharactersMax = 40;
/** Words after the operation's number [W-10]. */
export const argumentsMax = 3;
/** Lines of the list of operations that a reader of replies accepts [W-12]. */
export const operationLinesMax = 64;
/** Bytes of one line of a reply's header that a reader of replies accepts [W-12]. */
export const replyHeaderLineBytesMax = 4096;
/** Bytes of a refused or malformed message that the history keeps [H-6]. */
export const refusedBytesKept = 256;
/** Characters (Unicode code points) of a line's first word that a result repeats [H-7]. */
export const headCharactersMax = 64;

export const serverPortDefault = 5007;
export const gatewayPortDefault = 8007;

/** Bytes of one WebSocket message from the page, text or binary [G-4]. */
export const pageFrameBytesMax = 16 * 1024;
/** Bytes that a `connect` frame carries at most, before base64; more follow in byte frames [G-4]. */
export const firstBytesMax = 8 * 1024;
export const targetsMax = 64;
/** Ports on which one gateway listens for clients to watch. */
export const listeningMax = 64;
/** Flows whose heads a gateway keeps, and so the most that a page is told of at once [G-15]. */
export const flowsKeptMax = 4096;
/** Characters of the name of a presented stream [G-16]. */
export const flowNameCharactersMax = 200;
/** Milliseconds of latency, or of jitter, that a listening port adds at most. */
export const faultMsMax = 60_000;
/** Steps of a write schedule [G-11]. */
export const scheduleStepsMax = 512;
/** Milliseconds that a write schedule takes in all [G-11]; enough to see a message's deadline [W-6] pass. */
export const scheduleMsMax = 12_000;
/** Milliseconds for which a reader may be slow [G-11]; enough to see a server give one up [W-16]. */
export const slowReadMsMax = 35_000;
/** Bytes that one read of a slow reader takes at most [G-11]; what Node reads at once by itself. */
export const slowReadBytesMax = 64 * 1024;
