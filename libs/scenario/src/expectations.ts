/** What the three kinds of expectations say of the bytes that wait. Each is asked again when more bytes have come. */

import { decodeText } from "@wirebook/protocol";
import type { Kept, LineMatcher } from "./line-matcher.ts";
import type { Received } from "./received.ts";
import { lineBytesMax } from "./scenario.ts";

/** What came instead: a line, bytes, or a word of ours such as `EOF`; and what came before and behind it. */
export interface Got {
  readonly form: "line" | "bytes" | "word";
  readonly text: string;
  readonly before?: string;
  readonly behind?: string;
}

/** `byteCount`: how many of the waiting bytes decided it. `got` of one that waits: what fails it if its time is over. */
type Seen =
  | { readonly state: "passed"; readonly byteCount: number; readonly kept?: Kept }
  | { readonly state: "failed" | "waits"; readonly byteCount: number; readonly got: Got };

export type Expectation = (received: Received) => Seen;

/** Bytes of which a difference shows the beginning. */
const shownBytesMax = 1024;

export function expectLine(matcher: LineMatcher, skips: boolean): Expectation {
  let lastSkipped: string | undefined;
  let skipped = 0;
  return (received) => {
    for (;;) {
      const line = received.peekLine();
      if (line === "too-long") {
        const got: Got = { form: "word", text: `a line of more than ${lineBytesMax} bytes` };
        return { state: "failed", byteCount: received.length, got };
      }
      if (line === undefined) return giveUpOrWait(received, "line", lastSkipped, skipped);
      const { text, byteCount } = line;
      const kept = matcher(text);
      if (kept !== undefined) return { state: "passed", byteCount, kept };
      if (!skips) return { state: "failed", byteCount, got: { form: "line", text } };
      lastSkipped = text;
      skipped += 1;
      received.skip(byteCount);
    }
  };
}

export function expectBytes(wanted: Uint8Array): Expectation {
  let matched = 0;
  return (received) => {
    const { waiting } = received;
    for (; matched < wanted.length && matched < waiting.length; matched++) {
      if (waiting[matched] === wanted[matched]) continue;
      const byteCount = matched + 1;
      const got: Got = { form: "bytes", text: decodeText(waiting.subarray(0, wanted.length)) };
      return { state: "failed", byteCount, got: { ...got, behind: `; byte ${byteCount} differs` } };
    }
    return matched === wanted.length ? { state: "passed", byteCount: matched } : giveUpOrWait(received, "bytes");
  };
}

export function expectEnd(how: "fin" | "rst", skips: boolean): Expectation {
  return (received) => {
    if (skips) received.skip(received.length);
    const { length: byteCount, ended, isFin, isRst } = received;
    if (byteCount > 0) {
      const [text = ""] = decodeText(received.waiting.subarray(0, shownBytesMax)).split(/\r?\n/, 1);
      return { state: "failed", byteCount, got: { form: "line", text } };
    }
    if (how === "fin" ? isFin : isRst) return { state: "passed", byteCount };
    // RST may follow FIN, when this end goes on sending.
    return { state: isRst ? "failed" : "waits", byteCount, got: { form: "word", text: ended ?? "nothing" } };
  };
}

/** There is not enough yet, and there will not be if the target has ended. */
function giveUpOrWait(received: Received, form: "line" | "bytes", lastSkipped?: string, skipped = 0): Seen {
  const { length: byteCount, ended, waiting } = received;
  const state = ended === undefined ? "waits" : "failed";
  const text = byteCount > 0 ? decodeText(waiting.subarray(0, shownBytesMax)) : lastSkipped;
  if (text === undefined) return { state, byteCount, got: { form: "word", text: ended ?? "nothing" } };
  const isCut = form === "line" && byteCount > 0;
  const behind =
    ended === undefined ? (isCut ? ' without a line end; type << "…" for text without one' : "") : ` and then ${ended}`;
  const before = skipped > 1 && byteCount === 0 ? `${skipped} other lines, the last ` : "";
  return { state, byteCount, got: { form, text, before, behind } };
}
