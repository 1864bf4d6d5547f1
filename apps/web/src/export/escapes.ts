/**
 * Bytes as text of other languages, so that each of them reads back the very same bytes.
 *
 * All of them are pasted into a POSIX shell, inside single quotes, where nothing but the single quote has a meaning; so
 * no escape here makes one, and no byte below space or above `~` is left as it is.
 */

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

/** For a bytes literal of Python between double quotes. */
export function pythonBytes(bytes: Uint8Array): string {
  return escapeAll(bytes, (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte === 0x27 ? hex(byte) : (named[byte] ?? (isPlain(byte) ? undefined : hex(byte)));
  });
}

/** For a string of JavaScript between double quotes, each of whose characters is one byte (`latin1`). */
export function latin1String(bytes: Uint8Array): string {
  return pythonBytes(bytes);
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
