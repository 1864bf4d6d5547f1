/**
 * IP addresses as text and as bytes (RFC 4291, RFC 5952), for a wire that carries them in binary.
 *
 * Of one address there is one text: IPv6 is written as RFC 5952 recommends, and an IPv4 address that a system shows
 * mapped into IPv6 (`::ffff:127.0.0.1`) is written as the IPv4 address that it is.
 */

/** The 4 or 16 bytes of an address; `undefined` when the text is none. A zone (`%eth0`) means nothing elsewhere and goes. */
export function encodeIpAddress(text: string): Uint8Array | undefined {
  const bytes = text.includes(":") ? encodeSix(text.split("%", 1)[0] ?? "") : encodeFour(text);
  return bytes !== undefined && isMapped(bytes) ? bytes.subarray(12) : bytes;
}

/** The address of 4 or 16 bytes as text. */
export function decodeIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (isMapped(bytes)) return bytes.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0));
  const { from, length } = longestZeros(groups);
  if (length < 2) return showGroups(groups);
  return `${showGroups(groups.slice(0, from))}::${showGroups(groups.slice(from + length))}`;
}

/** The one text of an address that may be written in several ways; `undefined` when it is none. */
export function plainIpAddress(text: string): string | undefined {
  const bytes = encodeIpAddress(text);
  return bytes && decodeIpAddress(bytes);
}

/** The 16 bytes of either kind of address: an IPv4 address mapped into IPv6. */
export function mapToSix(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 16) return bytes;
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes);
}

function encodeFour(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  // A leading zero is octal to some and decimal to others, so it is neither here.
  const isAddress = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  return isAddress ? Uint8Array.from(parts, Number) : undefined;
}

function encodeSix(text: string): Uint8Array | undefined {
  const sides = text.split("::").map(encodeGroups);
  const [head, tail] = sides;
  if (sides.length > 2 || head === undefined || sides.includes(undefined)) return undefined;
  if (tail === undefined) return head.length === 16 ? Uint8Array.from(head) : undefined;
  const missing = 16 - head.length - tail.length;
  return missing < 2 ? undefined : Uint8Array.of(...head, ...new Uint8Array(missing), ...tail);
}

/** The bytes of groups between colons, of which the last may be an IPv4 address. */
function encodeGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":").map((group, at, { length }) => {
    if (at === length - 1 && group.includes(".")) return encodeFour(group);
    const value = Number.parseInt(group, 16);
    return /^[\da-f]{1,4}$/i.test(group) ? [value >> 8, value & 0xff] : undefined;
  });
  return groups.every((group) => group !== undefined) ? groups.flatMap((group) => [...group]) : undefined;
}

function showGroups(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(":");
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
}

/** The first of the longest runs of groups that are zero. */
function longestZeros(groups: readonly number[]): { from: number; length: number } {
  let longest = { from: 0, length: 0 };
  let length = 0;
  for (const [at, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { from: at + 1 - length, length };
  }
  return longest;
}
