export interface Note {
  readonly text: string;
  readonly term: string;
  readonly references: readonly Reference[];
  /** The arrows of the diagram that it is about; `reads` and `writes` are all of their kind. */
  readonly on: readonly string[];
}

/** Where a term is defined; without a link where the page does not know the address, as of this project's documents. */
export interface Reference {
  readonly label: string;
  readonly title: string;
  readonly href?: string;
}

export function rfc(number: number, section: string): Reference {
  const href = `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`;
  return { label: `RFC ${number}, ${section}`, title: `RFC ${number}, section ${section}`, href };
}

const documents = { W: "protocol.md", G: "gateway-frames.md", H: "history-format.md" };

export function rule(letter: keyof typeof documents, number: number): Reference {
  const name = `${letter}-${number}`;
  return { label: `[${name}]`, title: `Rule ${name} (docs/reference/${documents[letter]})` };
}
