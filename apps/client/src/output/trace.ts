/**
 * What happens on the wire, when, and how long it takes: a line for each step, read and write.
 *
 *     127.0.0.1:40312 (this end)  ⇄  127.0.0.1:5007 (the server)  2026-11-28T19:38:12.824+01:00
 *              at ms         + ms
 *              0.000               connecting      → SYN: asks for a connection
 *              0.310        0.310  established     ← SYN ACK: the server's system accepts it
 *              0.402        0.092  write 1         → 8 bytes
 *              …
 *
 * An arrow outward is what this end did, an arrow inward what came from the server. Times are those at which this program
 * heard of each step, so its own work is in them.
 */

import { describeEndpoint, describeHostPort } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { localTime } from "@wirebook/settings";
import type { StreamEvent, StreamRecord, TlsFacts } from "@wirebook/protocol";
import type { Outcome } from "../result.ts";
import { visibleText } from "./terminal-text.ts";
import type { Paint } from "./terminal-text.ts";
import type { View } from "./views.ts";

/** Columns of a step: enough for the 100,000th write. */
const stepColumns = 14;

/** Columns of a time: enough for a day. */
const timeColumns = 14;

/** Whether this end did it, the server did it, or something went wrong. */
const arrows = { out: "→", in: "←", wrong: "×", none: " " } as const;

type Row = readonly [atMs: number | undefined, step: string, direction: keyof typeof arrows, meaning: string];

/** Tells what happens to a stream: lines, each ending in a line feed. */
export class Trace implements View {
  readonly #target: Target;
  readonly #paint: Paint;
  #hasBegun = false;
  #beforeMs: number | undefined;

  constructor(target: Target, paint: Paint) {
    this.#target = target;
    this.#paint = paint;
  }

  /** Which two ends the connection has, and how it came about. */
  open(record: StreamRecord): string {
    this.#hasBegun = true;
    const { here, there } = placesOf(record, this.#target);
    const { strong, faint } = this.#paint;
    const began = localTime(performance.timeOrigin + (record.at.connecting ?? 0));
    return [
      `${strong(here)} (this end)  ⇄  ${strong(there)} (the server)  ${faint(began)}\n`,
      faint(`${"at ms".padStart(timeColumns)}${"+ ms".padStart(timeColumns)}\n`),
      ...openingRows(record, this.#target).map((row) => this.#line(row, record)),
    ].join("");
  }

  show({ kind, isFromTarget, atMs, number, byteCount }: StreamEvent, record: StreamRecord): string {
    const direction = isFromTarget ? "in" : "out";
    const closed = `${kind.toUpperCase()}: ${isFromTarget ? "the target" : "this end"} sends no more`;
    if (kind !== "data") return this.#line([atMs, kind, direction, closed], record);
    const step = `${isFromTarget ? "read" : "write"} ${thousands(number + 1)}`;
    return this.#line([atMs, step, direction, bytesOf(byteCount)], record);
  }

  /** How it ended, and how much went both ways. */
  end(record: StreamRecord, outcome: Outcome): string {
    const { at, sentBytes, receivedBytes, readCount } = record;
    const opening = this.#hasBegun ? "" : this.open(record);
    const received = `${bytesOf(receivedBytes)} received in ${thousands(readCount)} ${readCount === 1 ? "read" : "reads"}`;
    const total = milliseconds((at.closed ?? 0) - (at.connecting ?? 0));
    const totals = `  ${bytesOf(sentBytes)} sent · ${received} · ${total} ms in all`;
    return `${opening}${this.#line(closingRow(record, outcome), record)}${totals}\n`;
  }

  #line([atMs, step, direction, meaning]: Row, { at: { connecting = 0 } }: StreamRecord): string {
    const ms = atMs ?? connecting;
    const since = this.#beforeMs === undefined ? "" : milliseconds(Math.max(0, ms - this.#beforeMs));
    this.#beforeMs = ms;
    const { outward, inward, wrong, faint } = this.#paint;
    const tint = { out: outward, in: inward, wrong, none: String }[direction];
    const at = milliseconds(ms - connecting).padStart(timeColumns);
    const label = tint(`${step.padEnd(stepColumns)}  ${arrows[direction]}`);
    return `${at}${faint(since.padStart(timeColumns))}  ${label} ${meaning}\n`;
  }
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

function openingRows({ at, tls }: StreamRecord, { address: { transport } }: Target): Row[] {
  const isUnix = transport === "unix";
  const rows: Row[] = [
    [at.connecting, "connecting", "out", `${isUnix ? "connect()" : "SYN"}: asks for a connection`],
    [at.established, "established", "in", isUnix ? "the system accepts it" : "SYN ACK: the server's system accepts it"],
    [at.secured, "secured", "in", tls === undefined ? "" : describeTls(tls)],
  ];
  return rows.filter(([atMs]) => atMs !== undefined);
}

/** What a handshake came to, in a line. */
function describeTls({ version, cipher, alpn, peer }: TlsFacts): string {
  const protocol = alpn === null ? "" : `, ALPN ${alpn}`;
  const certificate = `certificate of ${peer.subject}, issued by ${peer.issuer}, valid until ${localTime(peer.validTo)}`;
  return visibleText(`${version}, ${cipher}${protocol}; ${certificate}`);
}

function closingRow({ at: { closed, ended } }: StreamRecord, outcome: Outcome): Row {
  if (outcome.kind === "interrupted") {
    return [closed, "closed", "out", "this end went away before the server had finished"];
  }
  if (outcome.kind === "failed" && outcome.code !== "empty-reply") {
    return [closed, outcome.code, "wrong", visibleText(outcome.sentence)];
  }
  if (ended !== undefined) return [closed, "closed", "none", "both ends have sent FIN"];
  return [closed, "closed", "out", "FIN: so has this end"];
}

/** Both ends of a connection as people write them. */
function placesOf({ local, remote, at }: StreamRecord, { name, address }: Target): Record<"here" | "there", string> {
  const none = at.established === undefined ? "no connection" : "a socket";
  const place = address.transport === "unix" ? visibleText(name) : describeHostPort(address);
  return {
    here: local === undefined ? none : describeEndpoint(local),
    there: remote === undefined ? place : describeEndpoint(remote),
  };
}

/** `65,536`. */
function thousands(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 byte`, `65,536 bytes`. */
function bytesOf(count: number): string {
  return `${thousands(count)} ${count === 1 ? "byte" : "bytes"}`;
}

/** `1,204.113`. */
function milliseconds(ms: number): string {
  return ms.toLocaleString("en-US", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
}
