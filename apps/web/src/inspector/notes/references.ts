/** Where a term is defined: a section of an RFC, or a rule of this project's documents, such as [W-8]. */

export interface Reference {
  readonly label: string;
  /** The document, in full. */
  readonly title: string;
  /** Where it can be read; the page does not know where the documents of this project are. */
  readonly href?: string;
}

const documents = {
  W: { path: "docs/reference/protocol.md", name: "Protocol" },
  G: { path: "docs/reference/gateway-frames.md", name: "Gateway frames" },
  H: { path: "docs/reference/history-format.md", name: "History format" },
};

/** A section of an RFC. */
export function rfc(number: number, section: string): Reference {
  return {
    label: `RFC ${number}, ${section}`,
    title: `RFC ${number}, section ${section}`,
    href: `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`,
  };
}

/** A rule of one of the documents, by its letter and number. */
export function rule(letter: keyof typeof documents, number: number): Reference {
  const { path, name } = documents[letter];
  return {
    label: `[${letter}-${number}]`,
    title: `${name}, rule ${letter}-${number} (${path})`,
  };
}
