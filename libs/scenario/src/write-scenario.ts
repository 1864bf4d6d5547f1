/**
 * Writes a recorded stream as a scenario.
 *
 * It is exact: played against a target that answers the same, it holds. A line that will probably vary has a comment above
 * it, with a pattern to use instead. Keys of the Wirebook server are left out: `{{key}}` asks for them.
 */

import { decodeText, encodeText, joinAll, redactKeys } from "@wirebook/protocol";
import { durationMsMax, lineEnds, scenarioBytesMax, scenarioStepsMax, secretName } from "./scenario.ts";
import type { ConversationEvent } from "./scenario.ts";
import { escapePattern, escapeQuoted, escapeText, isEndWord } from "./text.ts";

interface WriteOptions {
  readonly target?: string | undefined;
  /** The target is the Wirebook server, so its keys are left out. */
  readonly isWithServer: boolean;
  readonly comment?: string | undefined;
}

/** Milliseconds of silence before something is sent from which on it is a `wait`. */
const pauseMsMin = 10;
/** Bytes received in a row that are written as expectations. */
const replyBytesMax = 64 * 1024;
/** Bytes of a line that is written as a line, and of each piece of a longer one; more than a message of the server has. */
const pieceBytesMax = 4096;
/** Bytes and lines that are left for the last step, and for a comment. */
const bytesReserve = 16 * pieceBytesMax;
const linesReserve = 10;
/** Characters last sent among which what is received may be a repetition. */
const sentCharactersKept = 64 * 1024;

const askForKey = `{{${secretName}}}`;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** It ends early, with a comment that says so, where bytes were not kept or a limit is reached. */
export function writeScenario(events: Iterable<ConversationEvent>, { target, isWithServer, comment }: WriteOptions) {
  const all = [...events].filter(({ kind }) => kind !== "written");
  const lineEnd = findLineEnd(all);
  const lines = comment?.split("\n").map((line) => `# ${escapeText(line)}`) ?? [];
  lines.push(`eol: ${lineEnd}`, ...(target === undefined ? [] : [`connect ${target}`]));
  let bytesLeft = scenarioBytesMax - bytesReserve;
  for (const step of stepsOf(all, lineEnds[lineEnd] ?? "", isWithServer)) {
    bytesLeft -= encodeText(step).length + 1;
    const isFull = bytesLeft < 0 || lines.length > scenarioStepsMax - linesReserve;
    lines.push(isFull ? endComment("it has no room for more") : step);
    if (isFull) break;
  }
  return `${lines.join("\n")}\n`;
}

function endComment(reason: string): string {
  return `# The scenario ends here: ${reason}.`;
}

function findLineEnd(events: readonly ConversationEvent[]): string {
  const sent = joinAll(events.flatMap(({ isFromTarget, bytes }) => (isFromTarget ? [] : (bytes ?? []))));
  const text = decodeText(sent.subarray(0, pieceBytesMax));
  const end = /\r?\n/.exec(text)?.[0] ?? (text.endsWith("\r") ? "\r" : "\r\n");
  return Object.keys(lineEnds).find((name) => lineEnds[name] === end) ?? "CRLF";
}

/** The lines of the steps, and of a comment where they end early. */
function* stepsOf(events: readonly ConversationEvent[], eol: string, isWithServer: boolean): Generator<string, void> {
  /** What went one way, up to a pause or to what went the other way. */
  let run: Uint8Array[] = [];
  let runBytes = 0;
  let isFromTarget = false;
  let sent = "";
  let lastMs = events[0]?.atMs ?? 0;
  const passed = { sent: 0, received: 0 };
  /** The directions that have had their FIN, as `isFromTarget`: the two legs of a flow tell of each. */
  const ended = new Set<boolean>();

  function* flush(): Generator<string, void> {
    const end = eol === "\r" && !isFromTarget ? carriageReturn : lineFeed;
    for (const piece of piecesOf(joinAll(run), end)) {
      const text = decodeText(piece);
      if (!isFromTarget) sent = (sent + text).slice(-sentCharactersKept);
      yield isFromTarget ? receivedStep(text, isWithServer, sent) : sentStep(text, isWithServer, eol);
    }
    [run, runBytes] = [[], 0];
  }

  for (const { kind, atMs, byteCount, bytes, ...event } of events) {
    const way = event.isFromTarget ? "received" : "sent";
    // A record keeps the first events and the newest, and not always those between.
    const isLost = (event.offset ?? passed[way]) !== passed[way] || (byteCount > 0 && bytes === undefined);
    passed[way] += byteCount;
    if (!isLost && kind !== "rst" && ended.has(event.isFromTarget)) continue;
    const pauseMs = event.isFromTarget ? 0 : Math.min(Math.round(atMs - lastMs), durationMsMax);
    // A key could be cut in two.
    const isKeyOpen = isWithServer && !isFromTarget && run.length > 0 && run.at(-1)?.at(-1) !== lineFeed;
    const isPause = pauseMs >= pauseMsMin && !isKeyOpen;
    if (isLost || isPause || kind !== "data" || event.isFromTarget !== isFromTarget) yield* flush();
    if (isLost) return yield endComment("the bytes that follow were not kept");
    if (isPause) yield `wait ${pauseMs < 1000 ? `${pauseMs}ms` : `${pauseMs / 1000}s`}`;
    isFromTarget = event.isFromTarget;
    lastMs = atMs;
    if (kind === "rst") return yield isFromTarget ? "< RST" : "reset";
    if (kind === "fin") {
      ended.add(isFromTarget);
      yield isFromTarget ? "< EOF" : "end";
    } else if (bytes !== undefined && byteCount > 0) {
      runBytes += byteCount;
      if (isFromTarget && runBytes > replyBytesMax) {
        yield* flush();
        return yield endComment(`the reply has more than ${replyBytesMax} bytes`);
      }
      run.push(bytes);
    }
  }
  yield* flush();
}

/** Lines with their ends, and parts of lines that are too long or have no end. */
function* piecesOf(bytes: Uint8Array, end: number): Generator<Uint8Array, void> {
  for (let from = 0; from < bytes.length;) {
    const part = bytes.subarray(from, from + pieceBytesMax);
    const piece = part.subarray(0, part.indexOf(end) + 1 || pieceBytesMax);
    yield piece;
    from += piece.length;
  }
}

function sentStep(text: string, isWithServer: boolean, eol: string): string {
  const isLine = text.endsWith(eol);
  const line = isLine ? text.slice(0, -eol.length) : text;
  // `\{{` means two braces, and there is no other way to write that backslash in a line.
  if (!isPlain(line) || line.includes("\\{{") || (!isLine && line === "")) {
    return `>> "${hideKeys(text, isWithServer, askForKey, escapeQuoted)}"`;
  }
  const shown = hideKeys(line, isWithServer, askForKey, (visible) => visible.replaceAll("{{", "\\{{"));
  return `${isLine ? ">" : ">|"} ${shown}`.trimEnd();
}

function receivedStep(text: string, isWithServer: boolean, sent: string): string {
  const line = text.replace(/\r?\n$/, "");
  if (line === text || !isPlain(line)) return `<< "${hideKeys(text, isWithServer, askForKey, escapeQuoted)}"`;
  const pattern = hideKeys(line, isWithServer, "*", escapePattern);
  const loose = hideKeys(line, isWithServer, "*", (visible) => {
    const varies = findWhatVaries(visible, sent);
    return varies === undefined ? "" : `# varies? ${varies.what}: < ${varies.pattern}\n`;
  });
  return `${loose}< ${isEndWord(pattern) ? "\\" : ""}${pattern}`.trimEnd();
}

function hideKeys(text: string, isWithServer: boolean, mark: string, escape: (visible: string) => string): string {
  const redacted = isWithServer ? redactKeys(text) : text;
  return redacted === text ? escape(text) : escape(redacted).replaceAll("…", mark);
}

/** Editors show it as it is, and leave it as it is. */
function isPlain(text: string): boolean {
  const visible = text.replaceAll("\t", "");
  return escapeText(visible) === visible && !/\s$/.test(text);
}

const month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const clock = String.raw`\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?`;
const zone = String.raw`(?: ?(?:Z|GMT|UTC|[+-]\d\d:?\d\d))?`;

/** What each is called, and its form. The first one that fits counts. */
const kinds: readonly (readonly [string, string])[] = [
  ["a date", String.raw`\b(?:\w{3}, )?(?:\d{1,2} ${month} \d{4}|\d{4}-\d\d-\d\d)(?:[T ]${clock})?${zone}`],
  ["a date", String.raw`\b(?:\w{3} )?${month} [ \d]\d ${clock}(?: \d{4})?`],
  ["a time", String.raw`\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?`],
  ["a message id", String.raw`<[^<>@\s]{0,100}\d{4}[^<>@\s]{0,100}@[^<>@\s]{1,100}>`],
  ["an id", String.raw`\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`],
  // A message of Exim.
  ["an id", String.raw`\b[0-9a-z]{6}-[0-9a-z]{6}(?:[0-9a-z]{5})?-[0-9a-z]{2}(?:[0-9a-z]{2})?\b`],
  ["an IP address", String.raw`\b\d{1,3}(?:\.\d{1,3}){3}\b`],
  [
    "a host name",
    String.raw`(?<=^\d{3}-|(?<![@\w.-]))(?!\d{3}-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,10}\.[a-z]{2,24}\b`,
  ],
  // SMTP announces its limit so.
  ["a long number", String.raw`\b(?<!\bSIZE[ =])\d{5,}\b`],
  ["an id", String.raw`\b[0-9a-z]{6,}\b`],
];
const varying = new RegExp(kinds.map(([, form]) => `(${form})`).join("|"), "gi");

/** What varies in the line, and a pattern that lets it; `undefined` when nothing does. What was `sent` is only repeated. */
function findWhatVaries(line: string, sent: string) {
  const names = new Set<string>();
  let pattern = "";
  let end = 0;
  for (const match of line.matchAll(varying)) {
    const [found] = match;
    const [name = ""] = kinds[match.slice(1).findIndex((group) => group !== undefined)] ?? [];
    if (sent.includes(found) || (name === "an id" && !isId(found))) continue;
    // A name such as `RFC822.SIZE`.
    if (name === "a host name" && found === found.toUpperCase()) continue;
    names.add(name);
    pattern += `${escapePattern(line.slice(end, match.index))}*`;
    end = match.index + found.length;
  }
  if (names.size === 0) return undefined;
  return { what: [...names].join(", "), pattern: pattern + escapePattern(line.slice(end)) };
}

/** Digits among letters, as in `4f2a9c81d`; but not a word with a number, as `8BITMIME`, `IMAP4rev1` or `SHA256`. */
function isId(text: string): boolean {
  const changes = text.match(/\d(?=[a-z])|[a-z](?=\d)/gi)?.length ?? 0;
  if (text.includes("-") || /^(?:[0-9a-f]+|[0-9A-F]+)$/.test(text)) return changes > 0;
  const isMixed = changes > 0 && text.length >= 16 && /[a-z]/.test(text) && /[A-Z]/.test(text);
  return isMixed || (changes >= 4 && text.length >= 8);
}
