import { redactMessage } from "@wirebook/protocol";
import type { Announcement } from "@wirebook/protocol";

/** What `node:readline` takes from a completer: the candidates, and the part of the line that they would replace. */
type Completion = [candidates: string[], part: string];

/** What the Tab key offers: usernames that were typed before, and the operations that the server itself announced. */
export class Completions {
  #users: string[];
  #operations: readonly Announcement[] = [];

  /** @param lines earlier messages, the newest first */
  constructor(lines: readonly string[]) {
    this.#users = [...new Set(lines.map(userOf))];
  }

  /** Remembers who spoke. */
  noteMessage(line: string): void {
    const user = userOf(line);
    if (user !== "") this.#users = [user, ...this.#users.filter((other) => other !== user)];
  }

  /** Remembers what the server offers. */
  noteOperations(operations: readonly Announcement[]): void {
    this.#operations = operations;
  }

  /** The candidates for the end of a line. */
  complete(line: string): Completion {
    const words = line.trimStart().split(/\s+/u);
    const part = words.at(-1) ?? "";
    if (words.length === 1) return [this.#completeUser(part), part];
    return words.length === 2 ? [this.#completeOperation(part), part] : [[], part];
  }

  /** On an empty line the one who spoke last is the likeliest to speak again. */
  #completeUser(part: string): string[] {
    if (part === "") return this.#users.slice(0, 1).map((user) => `${user} `);
    return this.#users.filter((user) => user.startsWith(part)).map((user) => `${user} `);
  }

  /** One candidate is filled in; several are listed, each with what it does. */
  #completeOperation(part: string): string[] {
    const found = this.#operations.filter(({ number }) => String(number).startsWith(part));
    if (found.length === 1) return found.map(({ number }) => `${number} `);
    return found.map(describe);
  }
}

function describe({ number, purpose, parameters }: Announcement): string {
  const words = parameters.map(({ name, isOptional }) => (isOptional ? `[${name}]` : name));
  return [`${number}`, ...words, `  ${purpose}`].join(" ");
}

function userOf(line: string): string {
  return redactMessage(line.trim()).split(/\s/u, 1)[0] ?? "";
}
