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
import { encodeText, isUtf8, messageBytesMax, serverPortDefault } from "@wirebook/protocol";
import type { AnnouncedTarget } from "@wirebook/protocol";
import { serverName } from "../gateway/targets.ts";

export interface CopyCommand {
  readonly name: string;
  /** What it does and needs. */
  readonly about: string;
  /** `undefined` where the program cannot send the message; `about` says why. */
  readonly text: string | undefined;
}

export interface CopySource {
  readonly message: string;
  readonly target: AnnouncedTarget;
}

/** All commands for a target, and whether a key was left out of them. */
export function copyCommands({ message, target: { name, transport, address = "127.0.0.1:5007" } }: CopySource): {
  readonly commands: readonly CopyCommand[];
  readonly hasKey: boolean;
} {
  const isServer = name === serverName;
  const plain = encodeText(message);
  const { bytes, maskedBytes } = isServer ? new ExchangeMask().pushSent(plain) : { bytes: plain, maskedBytes: 0 };
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replaceAll(/[[\]]/g, "");
  const sending: Sending = { bytes, host, port: Number(address.slice(colon + 1)), isTls: transport === "tls" };
  const direct = {
    tcp: isServer ? [netcat, wirebook, python] : [netcat, python],
    tls: [openssl, python],
    unix: [netcatUnix],
  };
  return { commands: direct[transport].map((command) => command(sending)), hasKey: maskedBytes > 0 };
}

interface Sending {
  readonly bytes: Uint8Array;
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

const tlsAbout = " The gateway may have its own authority, server name or client certificate: add them.";

function netcat({ bytes, host, port }: Sending): CopyCommand {
  const text = `printf '${printfFormat(bytes)}' | nc ${shellWord(host)} ${port}`;
  return { name: "nc", about: "Sends the bytes as they are, with the netcat of OpenBSD, Debian and macOS.", text };
}

function netcatUnix(): CopyCommand {
  const about =
    "This target is a Unix socket on the gateway's machine, and a page is not told its path. There, use nc -U PATH.";
  return { name: "nc", about, text: undefined };
}

function openssl({ bytes, host, port }: Sending): CopyCommand {
  const to = shellWord(`${host.includes(":") ? `[${host}]` : host}:${port}`);
  const text = `printf '${printfFormat(bytes)}' | openssl s_client -quiet -verify_return_error -connect ${to}`;
  return { name: "openssl", about: `Sends the bytes inside of TLS.${tlsAbout}`, text };
}

function wirebook({ bytes, host, port }: Sending): CopyCommand {
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

function python({ bytes, host, port, isTls }: Sending): CopyCommand {
  const plain = `socket.create_connection((${inQuotes(host)}, ${port}))`;
  const secure = `ssl.create_default_context().wrap_socket(${plain}, server_hostname=${inQuotes(host)})`;
  const text = `python3 -c '
import socket, ssl, sys
with ${isTls ? secure : plain} as server:
    server.sendall(b"${stringLiteral(bytes)}")
    while read := server.recv(65536):
        sys.stdout.buffer.write(read)
        sys.stdout.flush()
'`;
  return { name: "Python", about: `Needs Python 3.8 or later and no package.${isTls ? tlsAbout : ""}`, text };
}

/** A string of Python in which no single quote is left for the shell, nor anything that a terminal would act on. */
function inQuotes(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^ -&(-~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const octal = (byte: number) => `\\${byte.toString(8).padStart(3, "0")}`;
const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, "0")}`;
const named: Readonly<Record<number, string>> = { 9: String.raw`\t`, 10: String.raw`\n`, 13: String.raw`\r` };

/** For the format of `printf` (POSIX, XBD 5): octal, because `\x` is not in the standard and dash does not know it. */
export function printfFormat(bytes: Uint8Array): string {
  const special = { 0x25: "%%", 0x5c: "\\\\", 0x27: octal(0x27) };
  const text = escapeAll(bytes, special, octal);
  // A format that begins with a hyphen is taken for an option.
  return text.startsWith("-") ? octal(0x2d) + text.slice(1) : text;
}

/** For a bytes literal of Python, between double quotes. */
function stringLiteral(bytes: Uint8Array): string {
  return escapeAll(bytes, { 0x22: '\\"', 0x5c: "\\\\", 0x27: hex(0x27) }, hex);
}

/** A word for the shell; single quotes end, and begin again behind an escaped one. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function escapeAll(bytes: Uint8Array, special: Readonly<Record<number, string>>, other: (byte: number) => string) {
  return Array.from(
    bytes,
    (byte) => special[byte] ?? named[byte] ?? (isPlain(byte) ? String.fromCharCode(byte) : other(byte)),
  ).join("");
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}
