/** The operations: their numbers, what they take and how the server announces them [W-10], [W-11]. */

/** `N`, or `[TIME]` when it may be left out. In capitals it stands for a value, in small letters it is the word itself. */
export interface Parameter {
  readonly name: string;
  readonly isOptional: boolean;
}

/** One line of a server's list of operations. */
export interface Announcement {
  readonly number: number;
  /** What it does, to be read after "To". */
  readonly purpose: string;
  readonly parameters: readonly Parameter[];
}

/** What a user may do: an admin whatever a member may, and more [U-9]. */
export const roles = ["member", "admin"] as const;

export type Role = (typeof roles)[number];

export interface OperationSpec extends Announcement {
  readonly verb: "delete-line" | "read" | "delete-all" | "create-user" | "follow" | "status" | "archive";
  /** The least role that it needs with `--users registered` [U-9]. */
  readonly role: Role;
  /** Destroying operations run only when their message was terminated, never after a mere silence [W-5]. */
  readonly isDestructive: boolean;
}

const table = [
  { number: 1, verb: "delete-line", purpose: "delete line N", takes: "N [TIME]", role: "admin", isDestructive: true },
  { number: 2, verb: "read", purpose: "read the history", takes: "[FROM] [TO] [snapshot]", role: "member" },
  { number: 3, verb: "delete-all", purpose: "delete all", takes: "", role: "admin", isDestructive: true },
  { number: 4, verb: "create-user", purpose: "create a user", takes: "[NAME]", role: "member" },
  { number: 5, verb: "follow", purpose: "follow the history", takes: "[FROM]", role: "member" },
  { number: 6, verb: "status", purpose: "read the status", takes: "", role: "member" },
  // Understood and not announced: it moves files on the server's machine, which is for the operator and no button of a page.
  { number: 7, verb: "archive", purpose: "archive the history", takes: "[KEEP]", role: "admin", isDestructive: true },
] as const;

const all = table.map(({ takes, ...spec }): OperationSpec => ({
  isDestructive: false,
  ...spec,
  parameters: decodeParameters(takes),
}));

/** All operations that are announced, by ascending number. */
export const operations = all.filter(({ verb }) => verb !== "archive");

/** The operation with that number or for that verb, announced or not, if there is one. */
export function findOperation(by: number | string): OperationSpec | undefined {
  return all.find(({ number, verb }) => number === by || verb === by);
}

/** True for a word that is typed as it stands, wherever the arguments before it end. */
export function isLiteral({ name }: Parameter): boolean {
  return /^[a-z]/.test(name);
}

/** ` To read the history, enter 2 after your username, then [FROM] [TO] [snapshot]`, without a line ending. */
export function encodeAnnouncement({ number, purpose, parameters }: Announcement): string {
  const then = parameters.length > 0 ? `, then ${encodeParameters(parameters)}` : "";
  return ` To ${purpose}, enter ${number} after your username${then}`;
}

const announcementLine =
  /^ To (?<purpose>.+), enter (?<number>\d{1,9})(?: [^,]+)? after your [^,]+(?:, then (?<parameters>.+))?$/u;

/** Reads the reference implementation's as well; `undefined` when the line announces no operation. */
export function decodeAnnouncement(line: string): Announcement | undefined {
  const groups = announcementLine.exec(line)?.groups;
  if (groups === undefined) return undefined;
  const { number, purpose = "", parameters } = groups;
  return { number: Number(number), purpose, parameters: decodeParameters(parameters) };
}

/** `N [TIME]` */
export function encodeParameters(parameters: readonly Parameter[]): string {
  return parameters.map(({ name, isOptional }) => (isOptional ? `[${name}]` : name)).join(" ");
}

function decodeParameters(text = ""): readonly Parameter[] {
  const words = text.split(" ").filter((word) => word !== "");
  return words.map((word) => ({ name: word.replace(/^\[(.*)\]$/u, "$1"), isOptional: /^\[.*\]$/u.test(word) }));
}
