/**
 * The header that a WebSocket frame has before its payload (RFC 6455, section 5.2).
 *
 * Browsers do not show it to a page. It follows from the length, the kind and the direction of the payload, as long as each
 * message is one frame without extensions: the gateway negotiates none.
 */

interface HeaderField {
  /** Its bytes in hex; `··` for a byte that only the browser knows. */
  readonly hex: string;
  readonly name: string;
  readonly meaning: string;
}

export interface FrameHeader {
  readonly bytes: number;
  readonly opcode: 1 | 2;
  readonly isMasked: boolean;
  readonly fields: readonly HeaderField[];
}

/** Lengths up to this fit the header's second byte; longer ones take two bytes more, or eight. */
const shortMax = 125;
const mediumMax = 65_535;

export function frameHeader(
  direction: "sent" | "received",
  kind: "text" | "binary",
  payloadBytes: number,
): FrameHeader {
  const opcode = kind === "text" ? 1 : 2;
  const isMasked = direction === "sent";
  const extra = payloadBytes <= shortMax ? 0 : payloadBytes <= mediumMax ? 2 : 8;
  const code = extra === 0 ? payloadBytes : extra === 2 ? 126 : 127;
  const fields: HeaderField[] = [
    { hex: hexOf(0x80 | opcode, 1), name: "FIN, opcode", meaning: `last part of a message; ${opcode} is ${kind}` },
    {
      hex: hexOf((isMasked ? 0x80 : 0) | code, 1),
      name: "MASK, length",
      meaning: `${isMasked ? "masked" : "not masked"}; ${extra === 0 ? payloadBytes : `${code}: the length is in the next ${extra} bytes`}`,
    },
  ];
  if (extra > 0) fields.push({ hex: hexOf(payloadBytes, extra), name: "length", meaning: String(payloadBytes) });
  if (isMasked) {
    const meaning = "random; only the browser knows it";
    fields.push({ hex: "·· ·· ·· ··", name: "masking key", meaning });
  }
  return { bytes: 2 + extra + (isMasked ? 4 : 0), opcode, isMasked, fields };
}

function hexOf(value: number, bytes: number): string {
  const digits = value.toString(16).padStart(bytes * 2, "0");
  return (digits.match(/../g) ?? []).join(" ");
}
