import { decodeText, encodeText, redactMessage } from "@wirebook/protocol";
import type { Exchange } from "../../exchanges/exchange.svelte.ts";
import type { Bookmark, HistoryReplica } from "../../history/replica/history-replica.ts";
import { findLine, positionOf } from "./find-line.ts";
import type { FoundLine } from "./find-line.ts";

/** How far an exchange's line was looked for in a copy. */
interface Look {
  readonly exchange: Exchange;
  readonly copy: HistoryReplica;
  readonly puts: number;
  readonly message: string;
  /** The last line that was looked at. */
  readonly upTo: Bookmark;
}

/** The lines that exchanges left in the history. One that was found is not sought again: its time is its identity. */
export class FoundLines {
  readonly #found = new WeakMap<Exchange, FoundLine>();
  /** Where the line is of the exchange that was asked for last, whatever is deleted above it. */
  #held: { readonly exchange: Exchange; readonly copy: HistoryReplica; readonly mark: Bookmark } | undefined;
  /** In vain, by the last look. */
  #look: Look | undefined;

  /** The line of an exchange in a copy of the history; `undefined` while it is not there. */
  find(exchange: Exchange, copy: HistoryReplica): FoundLine | undefined {
    const known = this.#found.get(exchange);
    if (known !== undefined) {
      const position = this.#positionOf(exchange, copy, known.line);
      return position === undefined ? undefined : { ...known, position };
    }
    const found = this.#search(exchange, copy);
    // Before it is answered, or among others like it, a line that is still to come may be nearer.
    const isAnswered = exchange.state !== "running" || exchange.receivedBytes > 0;
    if (found?.others === 0 && isAnswered) this.#found.set(exchange, found);
    return found;
  }

  /** A thousand lines may come in a second, so none is looked at twice in vain. */
  #search(exchange: Exchange, copy: HistoryReplica): FoundLine | undefined {
    const message = redactMessage(heardOf(exchange));
    const sought = { message, aboutMs: exchange.sentAt.getTime(), after: exchange.intent.after };
    const found = findLine(copy, sought, this.#lookedUpTo(exchange, copy, message));
    this.#look?.copy.unmark(this.#look.upTo);
    this.#look =
      found === undefined ? { exchange, copy, puts: copy.puts, message, upTo: copy.mark(copy.last) } : undefined;
    return found;
  }

  #lookedUpTo(exchange: Exchange, copy: HistoryReplica, message: string): number {
    const look = this.#look;
    const isSame = look?.exchange === exchange && look.copy === copy && look.message === message;
    return isSame && look.puts === copy.puts && !look.upTo.isGone ? look.upTo.position : 0;
  }

  #positionOf(exchange: Exchange, copy: HistoryReplica, line: string): number | undefined {
    if (this.#held?.exchange !== exchange || this.#held.copy !== copy) {
      this.#held?.copy.unmark(this.#held.mark);
      this.#held = undefined;
      const position = positionOf(copy, line);
      if (position === undefined) return undefined;
      this.#held = { exchange, copy, mark: copy.mark(position) };
    }
    return this.#held.mark.isGone ? undefined : this.#held.mark.position;
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
