/** Colours, or the absence of them. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly outward: (text: string) => string;
  readonly inward: (text: string) => string;
  readonly wrong: (text: string) => string;
}

/** ECMA-48, section 8.3.117 (SGR): what switches each on, and what switches it off again. */
const styles = {
  strong: ["1", "22"],
  faint: ["2", "22"],
  outward: ["36", "39"],
  inward: ["32", "39"],
  wrong: ["31", "39"],
} as const satisfies Record<keyof Paint, readonly [string, string]>;

/** The colours of a terminal; without them every text stays as it is. */
export function createPaint(hasColours: boolean): Paint {
  const brush = (name: keyof Paint) => {
    const [on, off] = styles[name];
    return (text: string): string => (hasColours && text !== "" ? `\u001b[${on}m${text}\u001b[${off}m` : text);
  };
  return {
    strong: brush("strong"),
    faint: brush("faint"),
    outward: brush("outward"),
    inward: brush("inward"),
    wrong: brush("wrong"),
  };
}

/** True when colours may be written there (https://no-color.org). */
export function isColoured(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}
