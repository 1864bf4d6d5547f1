/** Where a term is defined: a section of an RFC, or a rule of this project's documents, such as [W-8]. */

export interface Reference {
  readonly label: string;
  /** The document, in full. */
  readonly title: string;
  /** Where it can be read; the page does not know where the documents of this project are. */
  readonly href?: string;
}

const documents = {
  W: "Protocol, rule W-# (docs/reference/protocol.md)",
  G: "Gateway frames, rule G-# (docs/reference/gateway-frames.md)",
  H: "History format, rule H-# (docs/reference/history-format.md)",
};

export function rfc(number: number, section: string): Reference {
  const href = `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`;
  return { label: `RFC ${number}, ${section}`, title: `RFC ${number}, section ${section}`, href };
}

/** A rule of one of the documents, by its letter and number. */
export function rule(letter: keyof typeof documents, number: number): Reference {
  return { label: `[${letter}-${number}]`, title: documents[letter].replace("#", `${number}`) };
}
