/**
 * The header that a WebSocket frame has before its payload (RFC 6455, section 5.2). Browsers do not show it to a page. It
 * follows from the payload as long as each message is one frame without extensions: the gateway negotiates none.
 */

/** Lengths up to this fit the header's second byte; longer ones take two bytes more, or eight. */
const shortMax = 125;
const mediumMax = 65_535;

/** @returns `hex` of a field has `··` for a byte that only the browser knows */
export function frameHeader(direction: "sent" | "received", kind: "text" | "binary", payloadBytes: number) {
  const opcode = kind === "text" ? 1 : 2;
  const isMasked = direction === "sent";
  const extra = payloadBytes <= shortMax ? 0 : payloadBytes <= mediumMax ? 2 : 8;
  const length = extra === 0 ? payloadBytes : extra === 2 ? 126 : 127;
  const told = extra === 0 ? `${length}` : `${length}: the length is in the next ${extra} bytes`;
  const fields = [
    { hex: hexOf(0x80 | opcode, 1), name: "FIN, opcode", meaning: `last part of a message; ${opcode} is ${kind}` },
    {
      hex: hexOf((isMasked ? 0x80 : 0) | length, 1),
      name: "MASK, length",
      meaning: `${isMasked ? "masked" : "not masked"}; ${told}`,
    },
  ];
  if (extra > 0) fields.push({ hex: hexOf(payloadBytes, extra), name: "length", meaning: `${payloadBytes}` });
  if (isMasked) fields.push({ hex: "·· ·· ·· ··", name: "masking key", meaning: "random; only the browser knows it" });
  return { bytes: 2 + extra + (isMasked ? 4 : 0), opcode, isMasked, fields };
}

function hexOf(value: number, bytes: number): string {
  const digits = value.toString(16).padStart(bytes * 2, "0");
  return (digits.match(/../g) ?? []).join(" ");
}
