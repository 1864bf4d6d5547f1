/**
 * Where a term is defined: a section of an RFC, or a rule of this project's documents, such as [W-8].
 *
 * The page does not know where the documents are. It knows the link of the server, which is the address of a repository
 * unless the operator has set another one. So a rule is a link when that link is a repository of a host whose addresses of
 * files are known, and otherwise text whose title names the document.
 */

export interface Reference {
  readonly label: string;
  /** The document, in full. */
  readonly title: string;
  /** Relative to the repository for a document of this project. */
  readonly href: string;
}

const documents = {
  W: { path: "docs/protocol.md", name: "Protocol" },
  G: { path: "docs/gateway-frames.md", name: "Gateway frames" },
  H: { path: "docs/history-format.md", name: "History format" },
};

/** What stands between the address of a repository and the path of a file, by host. */
const fileRoots: Readonly<Record<string, string>> = {
  "github.com": "/blob/HEAD/",
  "gitlab.com": "/-/blob/HEAD/",
  "codeberg.org": "/src/branch/main/",
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
    href: `${path}#${letter.toLowerCase()}-${number}`,
  };
}

/** Where a reference can be read; `undefined` when the server's link does not tell. */
export function addressOf({ href }: Reference, link: string): string | undefined {
  if (href.startsWith("https:")) return href;
  const url = URL.parse(link);
  const root = fileRoots[url?.hostname ?? ""];
  const repository = /^\/[\w.-]+\/[\w.-]+?(?=(?:\.git)?\/?$)/.exec(url?.pathname ?? "")?.[0];
  if (url?.protocol !== "https:" || root === undefined || repository === undefined) return undefined;
  return `${url.origin}${repository}${root}${href}`;
}
