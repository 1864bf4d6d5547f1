/**
 * The same message, sent by another program: commands for a POSIX shell.
 *
 * Each writes the message and prints what comes back until the server closes, as the gateway does. None of them holds a
 * key: asterisks stand in its place.
 *
 * The bytes are text of other languages, so that each of them reads back the very same bytes. All of them are pasted inside
 * single quotes, where nothing but the single quote has a meaning: no escape here makes one, and no byte below space or
 * above `~` is left as it is.
 */

import { ExchangeMask } from "@wirebook/capture";
import { encodeText, isUtf8, messageBytesMax, serverPortDefault, subprotocol } from "@wirebook/protocol";

export interface CopyCommand {
  readonly name: string;
  /** What it does and needs. */
  readonly about: string;
  /** `undefined` where the program cannot send the message; `about` says why. */
  readonly text: string | undefined;
}

export interface CopySource {
  readonly message: string;
  readonly server: string;
  /** The page's own origin, such as `http://127.0.0.1:8007`. */
  readonly origin: string;
  /** The first frame of the exchange, without a key. */
  readonly frame: string;
}

/** All commands, and whether a key was left out of them. */
export function copyCommands(source: CopySource): {
  readonly commands: readonly CopyCommand[];
  readonly hasKey: boolean;
} {
  const { bytes, maskedBytes } = new ExchangeMask().pushSent(encodeText(source.message));
  const target = targetOf(source.server);
  const commands = [
    netcat(bytes, target),
    wirebook(bytes, target),
    node(bytes, target),
    python(bytes, target),
    webSocket(source),
  ];
  return { commands, hasKey: maskedBytes > 0 };
}

interface Target {
  readonly host: string;
  readonly port: number;
}

function targetOf(server: string): Target {
  const at = server.lastIndexOf(":");
  return { host: server.slice(0, at).replaceAll(/[[\]]/g, ""), port: Number(server.slice(at + 1)) };
}

function netcat(bytes: Uint8Array, { host, port }: Target): CopyCommand {
  const text = `printf '${printfFormat(bytes)}' | nc ${shellWord(host)} ${port}`;
  return { name: "nc", about: "Sends the bytes as they are, with the netcat of OpenBSD, Debian and macOS.", text };
}

function wirebook(bytes: Uint8Array, { host, port }: Target): CopyCommand {
  const name = "npx wirebook";
  const line = bytes.subarray(0, -1);
  const isLine = bytes.at(-1) === 0x0a && !line.includes(0x0a) && line.length <= messageBytesMax && line.length > 0;
  if (!isLine || line.includes(0) || !isUtf8(line)) {
    return {
      name,
      about: "The client cannot send this message: it sends one line of UTF-8 without a null.",
      text: undefined,
    };
  }
  const options = [
    host === "127.0.0.1" ? "" : ` --host ${shellWord(host)}`,
    port === serverPortDefault ? "" : ` --port ${port}`,
  ];
  const isText = line.every(isPlain);
  // The shell makes the bytes that a clipboard may change.
  const words = isText ? plainWords(new TextDecoder().decode(line)) : `"$(printf '${printfFormat(line)}')"`;
  const text = `npx wirebook${options.join("")} -- ${words}`;
  return { name, about: "The client. Run it in the folder of Wirebook; add --trace or --json for details.", text };
}

/** The message word by word, or as one word where it has spaces that the client would not send. */
function plainWords(line: string): string {
  const words = line.split(" ");
  return words.includes("") ? shellWord(line) : words.map(shellWord).join(" ");
}

function node(bytes: Uint8Array, { host, port }: Target): CopyCommand {
  const text = `node -e '
const socket = require("node:net").connect(${port}, ${JSON.stringify(host)});
socket.write("${stringLiteral(bytes)}", "latin1");
socket.pipe(process.stdout);
'`;
  return { name: "Node", about: "Each character of the string is one byte.", text };
}

function python(bytes: Uint8Array, { host, port }: Target): CopyCommand {
  const text = `python3 -c '
import socket, sys
with socket.create_connection((${JSON.stringify(host)}, ${port})) as server:
    server.sendall(b"${stringLiteral(bytes)}")
    while chunk := server.recv(65536):
        sys.stdout.buffer.write(chunk)
        sys.stdout.flush()
'`;
  return { name: "Python", about: "Needs Python 3.8 or later and no package.", text };
}

function webSocket({ origin, frame }: CopySource): CopyCommand {
  const address = `${origin.replace(/^http/, "ws")}/ws`;
  const text = `node -e '
const socket = new WebSocket("${address}", { protocols: "${subprotocol}", headers: { origin: "${origin}" } });
socket.binaryType = "arraybuffer";
socket.onopen = () => socket.send(${inQuotes(frame)});
socket.onmessage = ({ data }) => {
  if (typeof data !== "string") return process.stdout.write(Buffer.from(data).subarray(4));
  console.error(data);
  if (["end", "error"].includes(JSON.parse(data).type)) socket.close();
};
'`;
  const about = "Sends it through the gateway, as this page does. Needs Node 22 or later.";
  return { name: "WebSocket", about, text };
}

/** A string of JavaScript in which no single quote is left for the shell, nor anything that a terminal would act on. */
function inQuotes(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^ -&(-~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const named: Readonly<Record<number, string>> = { 9: String.raw`\t`, 10: String.raw`\n`, 13: String.raw`\r` };

/** For the format of `printf` (POSIX, XBD 5): octal, because `\x` is not in the standard and dash does not know it. */
export function printfFormat(bytes: Uint8Array): string {
  return escapeAll(bytes, (byte, at) => {
    if (byte === 0x25) return "%%";
    if (byte === 0x5c) return String.raw`\\`;
    // A format that begins with a hyphen is taken for an option.
    const isOption = byte === 0x2d && at === 0;
    return byte === 0x27 || isOption ? octal(byte) : (named[byte] ?? (isPlain(byte) ? undefined : octal(byte)));
  });
}

/** For a bytes literal of Python, or a string of JavaScript whose characters are bytes, between double quotes. */
function stringLiteral(bytes: Uint8Array): string {
  return escapeAll(bytes, (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte === 0x27 ? hex(byte) : (named[byte] ?? (isPlain(byte) ? undefined : hex(byte)));
  });
}

/** A word for the shell; single quotes end, and begin again behind an escaped one. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function escapeAll(bytes: Uint8Array, escape: (byte: number, at: number) => string | undefined): string {
  return Array.from(bytes, (byte, at) => escape(byte, at) ?? String.fromCharCode(byte)).join("");
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

function octal(byte: number): string {
  return `\\${byte.toString(8).padStart(3, "0")}`;
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
