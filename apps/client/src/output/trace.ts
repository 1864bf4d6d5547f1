/**
 * What happened on the wire, when, and how long it took: a line for each step, read and write.
 *
 *     127.0.0.1:40312 (this end)  ⇄  127.0.0.1:5007 (the server)  2026-11-28T19:38:12.824+01:00
 *              at ms         + ms
 *              0.000               connecting      → SYN: asks for a connection
 *              0.310        0.310  established     ← SYN ACK: the server's system accepts it
 *              0.402        0.092  write 1         → 8 bytes
 *              …
 *
 * An arrow outward is what this end did, an arrow inward what came from the server. Times are those at which this program
 * heard of each step, so its own work is in them. A conversation is told as it goes on, an exchange when it is over.
 */

import { describeEndpoint, describeHostPort } from "@wirebook/net";
import type { Target } from "@wirebook/net";
import { localTime } from "@wirebook/settings";
import type { StreamEvent, StreamRecord, TlsFacts } from "@wirebook/protocol";
import type { Outcome } from "../result.ts";
import { visibleText } from "./terminal-text.ts";
import type { Paint } from "./terminal-text.ts";

/** Reads and writes of one exchange that have a line; those between the first and the last are counted. */
export const eventLinesMax = 40;
const lastEventLines = 8;

/** Columns of a step: enough for the 100,000th write. */
const stepColumns = 14;

/** Columns of a time: enough for a day. */
const timeColumns = 14;

const arrows = { out: "→", in: "←", wrong: "×", none: " " } as const;

/** One line of a trace. */
interface TraceRow {
  /** Milliseconds of `performance.now()`; `undefined` where it is not known. */
  readonly atMs: number | undefined;
  readonly step: string;
  /** Whether this end did it, the server did it, or something went wrong. */
  readonly direction: keyof typeof arrows;
  readonly meaning: string;
}

/** The trace of one exchange that is over. */
export function reportTrace(record: StreamRecord, target: Target, outcome: Outcome, paint: Paint): string {
  const trace = new Trace(target, paint);
  const { events } = record;
  const count = (events.at(-1)?.index ?? -1) + 1;
  const isLong = count > eventLinesMax;
  const first = isLong ? events.slice(0, eventLinesMax - lastEventLines) : events;
  const last = isLong ? events.slice(-lastEventLines) : [];
  const where = record.omitted.events === 0 ? "--json has them all" : "--json has the first and the newest";
  return [
    trace.open(record),
    ...first.map((event) => trace.show(event, record)),
    isLong ? `  … ${thousands(count - first.length - last.length)} more; ${where}\n` : "",
    ...last.map((event) => trace.show(event, record)),
    trace.end(record, outcome),
  ].join("");
}

/** Tells what happens to a stream: lines, each ending in a line feed. */
export class Trace {
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
    if (kind !== "data") return this.#line({ atMs, step: kind, direction, meaning: closed }, record);
    const step = `${isFromTarget ? "read" : "write"} ${thousands(number + 1)}`;
    return this.#line({ atMs, step, direction, meaning: bytesOf(byteCount) }, record);
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

  #line({ atMs, step, direction, meaning }: TraceRow, { at: { connecting = 0 } }: StreamRecord): string {
    const ms = atMs ?? connecting;
    const since = this.#beforeMs === undefined ? "" : milliseconds(Math.max(0, ms - this.#beforeMs));
    this.#beforeMs = ms;
    const label = this.#tint(direction, `${step.padEnd(stepColumns)}  ${arrows[direction]}`);
    const at = milliseconds(ms - connecting).padStart(timeColumns);
    return `${at}${this.#paint.faint(since.padStart(timeColumns))}  ${label} ${meaning}\n`;
  }

  #tint(direction: TraceRow["direction"], text: string): string {
    const { outward, inward, wrong } = this.#paint;
    return { out: outward, in: inward, wrong, none: String }[direction](text);
  }
}

function openingRows({ at, tls }: StreamRecord, { address: { transport } }: Target): TraceRow[] {
  const isUnix = transport === "unix";
  const rows: TraceRow[] = [
    {
      atMs: at.connecting,
      step: "connecting",
      direction: "out",
      meaning: isUnix ? "connect(): asks for a connection" : "SYN: asks for a connection",
    },
    {
      atMs: at.established,
      step: "established",
      direction: "in",
      meaning: isUnix ? "the system accepts it" : "SYN ACK: the server's system accepts it",
    },
    { atMs: at.secured, step: "secured", direction: "in", meaning: tls === undefined ? "" : describeTls(tls) },
  ];
  return rows.filter(({ atMs }) => atMs !== undefined);
}

/** What a handshake came to, in a line. */
export function describeTls({ version, cipher, alpn, peer }: TlsFacts): string {
  const protocol = alpn === null ? "" : `, ALPN ${alpn}`;
  const certificate = `certificate of ${peer.subject}, issued by ${peer.issuer}, valid until ${localTime(peer.validTo)}`;
  return visibleText(`${version}, ${cipher}${protocol}; ${certificate}`);
}

function closingRow({ at: { closed: atMs, ended } }: StreamRecord, outcome: Outcome): TraceRow {
  if (outcome.kind === "interrupted") {
    return { atMs, step: "closed", direction: "out", meaning: "this end went away before the server had finished" };
  }
  if (outcome.kind === "failed" && outcome.code !== "empty-reply") {
    return { atMs, step: outcome.code, direction: "wrong", meaning: visibleText(outcome.sentence) };
  }
  if (ended !== undefined) return { atMs, step: "closed", direction: "none", meaning: "both ends have sent FIN" };
  return { atMs, step: "closed", direction: "out", meaning: "FIN: so has this end" };
}

/** Both ends of a connection as people write them. */
export function placesOf(
  { local, remote, at }: StreamRecord,
  { name, address }: Target,
): Record<"here" | "there", string> {
  const none = at.established === undefined ? "no connection" : "a socket";
  const place = address.transport === "unix" ? visibleText(name) : describeHostPort(address);
  return {
    here: local === undefined ? none : describeEndpoint(local),
    there: remote === undefined ? place : describeEndpoint(remote),
  };
}

/** `65,536`. */
function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 byte`, `65,536 bytes`. */
function bytesOf(count: number): string {
  return `${thousands(count)} ${count === 1 ? "byte" : "bytes"}`;
}

/** `1,204.113`. */
function milliseconds(ms: number): string {
  const [whole = "0", fraction = "000"] = ms.toFixed(3).split(".");
  return `${thousands(Number(whole))}.${fraction}`;
}
