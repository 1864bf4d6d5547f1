/** The same message as a command for a POSIX shell, which prints what comes back until the server closes. It holds no key. */

import { ExchangeMask } from "@wirebook/capture";
import { encodeText, type AnnouncedTarget } from "@wirebook/protocol";
import { serverName } from "../gateway/targets.ts";

/** `undefined` for a Unix socket, whose path no page is told. */
export function copyCommand(message: string, { name, transport, address = "127.0.0.1:5007" }: AnnouncedTarget) {
  if (transport === "unix") return undefined;
  const plain = encodeText(message);
  const bytes = name === serverName ? new ExchangeMask().push(false, plain) : plain;
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replaceAll(/[[\]]/g, "");
  const port = address.slice(colon + 1);
  const program =
    transport === "tcp"
      ? `nc ${shellWord(host)} ${port}`
      : `openssl s_client -quiet -verify_return_error -connect ${shellWord(address)}`;
  return {
    text: `printf '${printfFormat(bytes)}' | ${program}`,
    about:
      transport === "tcp"
        ? "Sends the bytes as they are, with the netcat of OpenBSD, Debian and macOS."
        : "Sends the bytes inside of TLS. The gateway may have its own authority, server name or client certificate: add them.",
    hasKey: bytes.some((byte, at) => byte !== plain[at]),
  };
}

const octal = (byte: number) => `\\${byte.toString(8).padStart(3, "0")}`;
const isPlain = (byte: number) => byte >= 0x20 && byte < 0x7f;
/** Tab, line feed, carriage return, and `%`, `'`, `\`. */
const named: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r", 37: "%%", 39: octal(39), 92: "\\\\" };

/** For the format of `printf` in single quotes (POSIX, XBD 5): octal, because `\x` is not in the standard and dash does not know it. */
export function printfFormat(bytes: Uint8Array): string {
  const escape = (byte: number) => named[byte] ?? (isPlain(byte) ? String.fromCharCode(byte) : octal(byte));
  const text = Array.from(bytes, escape).join("");
  // A format that begins with a hyphen is taken for an option.
  return text.startsWith("-") ? octal(0x2d) + text.slice(1) : text;
}

/** A word for the shell; single quotes end, and begin again behind an escaped one. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
