/** What happens on the wire during a conversation, in the rows of the trace's table, each as soon as it is known. */

import type { Target } from "@wirebook/net";
import type { StreamEvent, StreamRecord } from "@wirebook/protocol";
import type { Outcome } from "../result.ts";
import type { Paint } from "./terminal-text.ts";
import { bytesOf, closingRow, headline, labelOf, milliseconds, openingRows, thousands, totals } from "./trace-table.ts";
import type { TraceRow } from "./trace-table.ts";

/** Columns of a step: room for the 100,000th write. */
const stepColumns = 14;

/** Columns of a time: room for a day. */
const timeColumns = 16;

/** Tells of a conversation as it goes on: lines, each ending in a line feed. */
export class LiveTrace {
  readonly #target: Target;
  readonly #paint: Paint;
  #isOpen = false;

  constructor(target: Target, paint: Paint) {
    this.#target = target;
    this.#paint = paint;
  }

  open(record: StreamRecord): string {
    this.#isOpen = true;
    const rows = openingRows(record, this.#target).map((row) => this.#line(row, record));
    return `${headline(record, this.#target, this.#paint)}\n${rows.join("")}`;
  }

  show({ kind, isFromTarget, atMs, number, byteCount }: StreamEvent, record: StreamRecord): string {
    const direction = isFromTarget ? "in" : "out";
    const closed = `${kind.toUpperCase()}: ${isFromTarget ? "the target" : "this end"} sends no more`;
    if (kind !== "data") return this.#line({ atMs, step: kind, direction, meaning: closed }, record);
    const step = `${isFromTarget ? "read" : "write"} ${thousands(number + 1)}`;
    return this.#line({ atMs, step, direction, meaning: bytesOf(byteCount) }, record);
  }

  end(record: StreamRecord, outcome: Outcome): string {
    const opening = this.#isOpen ? "" : this.open(record);
    return `${opening}${this.#line(closingRow(record, outcome), record)}${totals(record)}\n`;
  }

  #line(row: TraceRow, { at: { connecting = 0 } }: StreamRecord): string {
    const at = milliseconds((row.atMs ?? 0) - connecting).padStart(timeColumns);
    return `${at}  ${labelOf(row, stepColumns, this.#paint)} ${row.meaning}\n`;
  }
}
