export { Capture, isPcapng } from "./capture.ts";
export { segmentBytesMax, StreamCapture } from "./stream-capture.ts";
export { ExchangeMask, hideKeys } from "./key-mask.ts";
export { decodeBase64, encodeBase64, endOf, fromStreamRecord, recordVersion, toStreamRecord } from "./record.ts";
export type { RecordedStream } from "./record.ts";
export { decodeRecord, decodeSession, encodeRecord, encodeSessionHead, sessionTooBig } from "./session.ts";
export { brokenLinesMax, problemsMax, recordBytesMax, recordsMax, sessionBytesMax } from "./session.ts";
