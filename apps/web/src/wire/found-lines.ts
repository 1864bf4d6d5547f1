import { decodeText, encodeText, withoutKeys } from "@wirebook/protocol";
import type { Exchange } from "../exchange/exchange.svelte.ts";
import type { HistoryCopy } from "../history/history-copy.ts";
import { findLine, lookedAtMax } from "./find-line.ts";
import type { FoundLine } from "./find-line.ts";

/** The lines that exchanges left in the history. One that was found is not sought again: its time is its identity. */
export class FoundLines {
  readonly #found = new WeakMap<Exchange, FoundLine>();

  /** The line of an exchange in a copy of the history; `undefined` while it is not there. */
  find(exchange: Exchange, copy: HistoryCopy): FoundLine | undefined {
    const { lines, first } = copy.tail(lookedAtMax);
    const known = this.#found.get(exchange);
    // Deletes above a line move it, and it may be deleted itself.
    const at = known === undefined ? -1 : lines.lastIndexOf(known.line);
    if (known !== undefined && at >= 0) return { ...known, position: first + at };
    const sentMs = exchange.sentAt.getTime();
    const found = findLine(lines, first, {
      message: withoutKeys(heardOf(exchange)),
      aboutMs: sentMs,
    });
    // Before the exchange is over, or among others like it, a line that is still to come may be nearer.
    if (found?.others === 0 && exchange.state !== "running") this.#found.set(exchange, found);
    return found;
  }

  /** Why there is none, in a sentence. */
  whyMissing(exchange: Exchange, hasBegun: boolean): string {
    if (exchange.at.written === undefined && exchange.state !== "running") {
      return "No byte reached the server, so nothing was written down.";
    }
    if (!hasBegun) return "Choose a name and begin: then the page follows the history, and finds the line there.";
    return "Its line is not in the part of the history that this page holds. It may have been deleted, or the server keeps lines of another form.";
  }
}

/** The message as far as the server got it, without its line ending. */
function heardOf({ intent, sentBytes }: Exchange): string {
  const sent = decodeText(encodeText(intent.message).subarray(0, sentBytes));
  return (sent.split("\n", 1)[0] ?? "").replace(/\r$/, "");
}
