/** The forms in which a conversation is shown: what becomes of each read, write and FIN. */

import type { Target } from "@wirebook/net";
import { decodeText } from "@wirebook/protocol";
import type { StreamEvent, StreamRecord } from "@wirebook/protocol";
import { TextStream, visibleText } from "../output/terminal-text.ts";
import type { Paint } from "../output/terminal-text.ts";
import { encodeJson, failureOf, millisecondsSince, traceJson } from "../output/trace-json.ts";
import { describeTls, placesOf } from "../output/trace.ts";
import type { Outcome } from "../result.ts";

/** What is shown of a conversation, if anything is. */
export interface View {
  /** The connection is ready. */
  open?(record: StreamRecord): string;
  /** Bytes went one way, or one direction was closed. */
  show?(event: StreamEvent, record: StreamRecord): string | Uint8Array | undefined;
  /** It is over. */
  end?(record: StreamRecord, outcome: Outcome): string;
}

/** For programs: the target's bytes. */
export const bytesView: View = { show: ({ isFromTarget, bytes }) => (isFromTarget ? bytes : undefined) };

/** For people: the target's text, with nothing in it that acts on a terminal, and CRLF as a new line. */
export class TextView implements View {
  readonly #text = new TextStream();
  #heldReturn = "";

  show({ isFromTarget, bytes }: StreamEvent): string | undefined {
    if (!isFromTarget || bytes === undefined) return undefined;
    const text = this.#heldReturn + this.#text.push(bytes);
    // Its line feed may come with the next read.
    this.#heldReturn = text.endsWith("\r") ? "\r" : "";
    return visibleText(text.slice(0, text.length - this.#heldReturn.length).replaceAll("\r\n", "\n"));
  }

  end(): string {
    return visibleText(this.#heldReturn + this.#text.finish());
  }
}

const bytesPerRow = 16;

/** The bytes of both directions, with their offset in each: `→ 00000000  50 49 4e 47 0d 0a      |PING..|`. */
export function hexView(paint: Paint): View {
  const arrows = { sent: paint.outward("→"), received: paint.inward("←") };
  return {
    show({ isFromTarget, offset, bytes = new Uint8Array(0) }) {
      const arrow = isFromTarget ? arrows.received : arrows.sent;
      const rows = Array.from({ length: Math.ceil(bytes.length / bytesPerRow) }, (_, row) => row * bytesPerRow);
      return rows.map((at) => `${arrow} ${hexRow(offset + at, bytes.subarray(at, at + bytesPerRow))}\n`).join("");
    },
  };
}

function hexRow(offset: number, bytes: Uint8Array): string {
  const row = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const pairs = row.toString("hex").replaceAll(/..(?=.)/g, "$& ");
  const text = row.toString("latin1").replaceAll(/[^ -~]/g, ".");
  return `${offset.toString(16).padStart(8, "0")}  ${pairs.padEnd(bytesPerRow * 3)} |${text}|`;
}

/** For programs: an object a line. */
export const jsonView: View = {
  open: ({ local = null, remote = null, tls = null }) => jsonLine({ type: "open", local, remote, tls }),
  show({ kind, isFromTarget, atMs, offset, byteCount, bytes }, record) {
    const ms = millisecondsSince(record, atMs);
    if (kind !== "data") return jsonLine({ type: kind, ms, from: isFromTarget ? "target" : "client" });
    const type = isFromTarget ? "read" : "write";
    return jsonLine({ type, ms, offset, bytes: byteCount, text: bytes === undefined ? null : decodeText(bytes) });
  },
  end: (record, outcome) => jsonLine({ type: "end", failure: failureOf(outcome), trace: traceJson(record) }),
};

function jsonLine(value: object): string {
  return `${encodeJson(value)}\n`;
}

/** For people: to whom they are connected. */
export function greeting(target: Target, paint: Paint): View {
  return {
    open(record) {
      const facts = record.tls === undefined ? "" : `${describeTls(record.tls)}\n`;
      return paint.faint(`Connected to ${placesOf(record, target).there}. Ctrl-D sends FIN, Ctrl-C leaves.\n${facts}`);
    },
  };
}
