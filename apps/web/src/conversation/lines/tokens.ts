/**
 * Bytes as text that can do no harm: nothing in it acts on a terminal, turns the reading direction or reaches into other lines.
 * Telnet's commands (RFC 854, 855) are named, and control characters are pictures of themselves.
 */

import { decodeText, plainText } from "@wirebook/protocol";

export interface Token {
  readonly kind: "text" | "control" | "escape" | "telnet" | "invalid";
  readonly text: string;
  /** What is drawn in place of the text: few fonts have the pictures of control characters. */
  readonly name?: string;
}

const controls =
  "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US";
const controlNames = controls.split(" ");

const iac = 0xff;
const [se, sb, will, dont] = [0xf0, 0xfa, 0xfb, 0xfe];

const commands = "EOR SE NOP DM BRK IP AO AYT EC EL GA SB WILL WONT DO DONT IAC".split(" ");
const firstCommand = 0xef;

/** The usual ones of those that IANA lists. */
const optionNames =
  "0 BINARY, 1 ECHO, 3 SUPPRESS-GO-AHEAD, 5 STATUS, 24 TERMINAL-TYPE, 31 NAWS, 32 TERMINAL-SPEED, 34 LINEMODE, 39 NEW-ENVIRON";
const options = new Map(optionNames.split(", ").map((option) => option.split(" ", 2) as [string, string]));

/** Marks above one letter that are drawn; more of them would cover the lines around. */
const marksMax = 3;

/** Tokens of one text that are drawn with a mark of their own: a flood of them would freeze the page. */
const marksDrawnMax = 100;

const ascii = [
  String.raw`(?<escape>\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])?)`,
  String.raw`(?<control>[\u0000-\u0008\u000a-\u001f\u007f])`,
];
/** The classes of Unicode cost ten times as much, and most text needs none. */
const isAscii = /^[\u0000-\u007f]*$/;
const specialAscii = new RegExp(ascii.join("|"), "g");
const special = new RegExp(
  [
    ...ascii,
    String.raw`(?<invalid>[\ud800-\udfff]+)`,
    String.raw`(?<hidden>[\u0080-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+|(?<=\p{M}{${marksMax}})\p{M}+)`,
  ].join("|"),
  "gu",
);

/** As few tokens as can be drawn: neighbours that look the same as one, and what is behind a bound as text. */
export function drawnTokens(bytes: Uint8Array): readonly Token[] {
  const tokens: Token[] = [];
  for (const token of tokensOf(bytes)) {
    const last = tokens.at(-1);
    const joined = last && join(last, token);
    if (joined) tokens[tokens.length - 1] = joined;
    else tokens.push(token);
  }
  if (tokens.length <= marksDrawnMax) return tokens;
  const rest = tokens.splice(marksDrawnMax).map(({ text, name }) => (name === "LF" ? `${text}\n` : text));
  return [...tokens, { kind: "text", text: rest.join("") }];
}

/** Both in one; `undefined` when they look different, or end a line. */
function join({ kind, text, name }: Token, other: Token): Token | undefined {
  if (kind !== other.kind || (name === undefined) !== (other.name === undefined)) return undefined;
  if (name === "LF" || other.name === "LF") return undefined;
  const both = text + (kind === "telnet" ? " " : "") + other.text;
  return { kind, text: both, ...(name === undefined ? {} : { name: `${name} ${other.name}` }) };
}

export function tokensOf(bytes: Uint8Array): readonly Token[] {
  const tokens: Token[] = [];
  let from = 0;
  for (let at = bytes.indexOf(iac); at >= 0; at = bytes.indexOf(iac, at + 1)) {
    const command = telnetAt(bytes, at);
    if (command === undefined) continue;
    tokens.push(...textTokens(bytes.subarray(from, at)), { kind: "telnet", text: command.text });
    from = command.end;
    at = from - 1;
  }
  tokens.push(...textTokens(bytes.subarray(from)));
  return tokens;
}

function telnetAt(bytes: Uint8Array, at: number): { readonly text: string; readonly end: number } | undefined {
  const code = bytes[at + 1];
  if (code === undefined || code < firstCommand) return undefined;
  const name = `IAC ${commands[code - firstCommand]}`;
  if (code < sb || code === iac) return { text: name, end: at + 2 };
  const option = bytes[at + 2];
  if (option === undefined) return { text: name, end: at + 2 };
  const named = `${name} ${options.get(String(option)) ?? option}`;
  if (code >= will && code <= dont) return { text: named, end: at + 3 };
  let end = at + 3;
  while (end < bytes.length && !(bytes[end] === iac && bytes[end + 1] === se)) end += 1;
  const values = Array.from(bytes.subarray(at + 3, end), hexOf);
  const isWhole = end < bytes.length;
  return { text: [named, ...values, ...(isWhole ? ["IAC SE"] : [])].join(" "), end: isWhole ? end + 2 : end };
}

function textTokens(bytes: Uint8Array): readonly Token[] {
  if (bytes.length === 0) return [];
  const text = decodeText(bytes);
  const tokens: Token[] = [];
  let from = 0;
  const addText = (to: number) => from < to && tokens.push({ kind: "text", text: text.slice(from, to) });
  for (const match of text.matchAll(isAscii.test(text) ? specialAscii : special)) {
    addText(match.index);
    tokens.push(specialToken(match));
    from = match.index + match[0].length;
  }
  addText(text.length);
  return tokens;
}

function specialToken({ 0: all, groups = {} }: RegExpExecArray): Token {
  const { escape, control, invalid } = groups;
  if (escape !== undefined) return { kind: "escape", text: plainText(pictures(all.replace(/\u001b/g, "ESC"))) };
  if (control !== undefined)
    return { kind: "control", text: pictures(all), name: controlNames[all.charCodeAt(0)] ?? "DEL" };
  if (invalid !== undefined)
    // `decodeText` makes a lone surrogate of each byte that is not UTF-8.
    return { kind: "invalid", text: all.replace(/[^]/g, (unit) => `\\x${hexOf(unit.charCodeAt(0) & 0xff)}`) };
  const text = all.replace(/./gsu, (each) => `\\u${(each.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);
  return { kind: "control", text };
}

/** Of control characters: `␀` to `␟`, and `␡`. */
function pictures(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, (character) => {
    const code = character.charCodeAt(0);
    return String.fromCharCode(code === 0x7f ? 0x2421 : 0x2400 + code);
  });
}

function hexOf(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
