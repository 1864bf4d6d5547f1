/** Where a term is defined. */
export interface Reference {
  readonly label: string;
  /** Where it can be read; a rule of this project's documents has no address of its own. */
  readonly href: string | undefined;
}

/** What one thing in the picture means, in this exchange. */
export interface Note {
  readonly text: string;
  /** The field's word for it. */
  readonly term: string;
  readonly references: readonly Reference[];
  /** The arrows of the diagram that it speaks of. */
  readonly on: readonly string[];
}

/** A section of an RFC. */
export function rfc(number: number, section: string): Reference {
  return {
    label: `RFC ${number}, ${section}`,
    href: `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`,
  };
}

/** A rule of docs/protocol.md (`W`), docs/gateway-frames.md (`G`) or docs/history-format.md (`H`). */
export function rule(letter: "W" | "G" | "H", number: number): Reference {
  return { label: `${letter}-${number}`, href: undefined };
}
