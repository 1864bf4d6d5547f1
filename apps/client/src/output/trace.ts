/**
 * What happens on the wire, when, and how long it takes: a line for each step, read and write.
 *
 *     127.0.0.1:40312 (this end)  ⇄  127.0.0.1:5007 (the server)  2026-11-28T19:38:12.824+01:00
 *              at ms         + ms
 *              0.000               connecting      → SYN: asks for a connection
 *              0.310        0.310  established     ← SYN ACK: the server's system accepts it
 *
 * An arrow outward is what this end did, an arrow inward what came from the server. Times are those at which this program
 * heard of each step, so its own work is in them.
 */

import { describeEndpoint, describeHostPort, type Target } from "@wirebook/net";
import type { StreamRecord, TlsFacts } from "@wirebook/protocol";
import { localTime } from "@wirebook/settings";
import type { Outcome } from "../command.ts";
import { visibleText, type Paint } from "./text.ts";
import type { View } from "./views.ts";

/** Columns of a step, enough for the 100,000th write; and of a time, enough for a day. */
const columns = 14;

/** Whether this end did it, the server did it, or something went wrong. */
const arrows = { outward: "→", inward: "←", wrong: "×", none: " " } as const;

type Row = readonly [atMs: number | undefined, step: string, direction: keyof typeof arrows, meaning: string];

export function createTrace(target: Target, paint: Paint): Required<Omit<View, "judge">> {
  let hasBegun = false;
  let beforeMs: number | undefined;

  function line([atMs, step, direction, meaning]: Row, { at: { connecting = 0 } }: StreamRecord): string {
    const ms = atMs ?? connecting;
    const since = beforeMs === undefined ? "" : milliseconds(Math.max(0, ms - beforeMs));
    beforeMs = ms;
    const at = milliseconds(ms - connecting).padStart(columns);
    const label = `${step.padEnd(columns)}  ${arrows[direction]}`;
    const tinted = direction === "none" ? label : paint[direction](label);
    return `${at}${paint.faint(since.padStart(columns))}  ${tinted} ${meaning}\n`;
  }

  function open(record: StreamRecord): string {
    hasBegun = true;
    const { at, local, tls } = record;
    const none = at.established === undefined ? "no connection" : "a socket";
    const here = local === undefined ? none : describeEndpoint(local);
    const isUnix = target.address.transport === "unix";
    const rows: readonly Row[] = [
      [at.connecting, "connecting", "outward", `${isUnix ? "connect()" : "SYN"}: asks for a connection`],
      [at.established, "established", "inward", `${isUnix ? "the" : "SYN ACK: the server's"} system accepts it`],
      [at.secured, "secured", "inward", tls === undefined ? "" : describeTls(tls)],
    ];
    const began = paint.faint(localTime(performance.timeOrigin + (at.connecting ?? 0)));
    const title = `${paint.strong(here)} (this end)  ⇄  ${paint.strong(placeOf(record, target))} (the server)  ${began}\n`;
    const heads = paint.faint(`${"at ms".padStart(columns)}${"+ ms".padStart(columns)}\n`);
    const lines = rows.filter(([atMs]) => atMs !== undefined).map((row) => line(row, record));
    return title + heads + lines.join("");
  }

  return {
    open,
    show({ kind, isFromTarget, atMs, number, byteCount }, record) {
      const direction = isFromTarget ? "inward" : "outward";
      const closed = `${kind.toUpperCase()}: ${isFromTarget ? "the target" : "this end"} sends no more`;
      if (kind !== "data") return line([atMs, kind, direction, closed], record);
      const step = `${isFromTarget ? "read" : "write"} ${count(number + 1)}`;
      return line([atMs, step, direction, count(byteCount, "byte")], record);
    },
    end(record, outcome) {
      const { at, sentBytes, receivedBytes, readCount } = record;
      const opening = hasBegun ? "" : open(record);
      const received = `${count(receivedBytes, "byte")} received in ${count(readCount, "read")}`;
      const total = milliseconds((at.closed ?? 0) - (at.connecting ?? 0));
      const totals = `  ${count(sentBytes, "byte")} sent · ${received} · ${total} ms in all\n`;
      return opening + line(closingRow(record, outcome), record) + totals;
    },
  };
}

export function greeting(target: Target, paint: Paint): View {
  return {
    open(record) {
      const facts = record.tls === undefined ? "" : `${describeTls(record.tls)}\n`;
      return paint.faint(`Connected to ${placeOf(record, target)}. Ctrl-D sends FIN, Ctrl-C leaves.\n${facts}`);
    },
  };
}

function describeTls({ version, cipher, alpn, peer }: TlsFacts): string {
  const protocol = alpn === null ? "" : `, ALPN ${alpn}`;
  const certificate = `certificate of ${peer.subject}, issued by ${peer.issuer}, valid until ${localTime(peer.validTo)}`;
  return visibleText(`${version}, ${cipher}${protocol}; ${certificate}`);
}

function closingRow({ at: { closed, ended } }: StreamRecord, outcome: Outcome): Row {
  if (outcome.kind === "interrupted") {
    return [closed, "closed", "outward", "this end went away before the server had finished"];
  }
  if (outcome.kind === "failed" && outcome.code !== "empty-reply") {
    return [closed, outcome.code, "wrong", visibleText(outcome.sentence)];
  }
  if (ended !== undefined) return [closed, "closed", "none", "both ends have sent FIN"];
  return [closed, "closed", "outward", "FIN: so has this end"];
}

/** The other end of a connection as people write it. */
function placeOf({ remote }: StreamRecord, { name, address }: Target): string {
  if (remote !== undefined) return describeEndpoint(remote);
  return address.transport === "unix" ? visibleText(name) : describeHostPort(address);
}

function count(value: number, noun?: string): string {
  const digits = value.toLocaleString("en-US");
  return noun === undefined ? digits : `${digits} ${noun}${value === 1 ? "" : "s"}`;
}

function milliseconds(ms: number): string {
  return ms.toLocaleString("en-US", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
}
