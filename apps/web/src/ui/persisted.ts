/**
 * A text that this browser keeps, under a name.
 *
 * Storage may be switched off or full; the page works without it, so both are best effort: what is typed is then simply
 * not remembered.
 */
export class Persisted {
  readonly #name: string;

  constructor(name: string) {
    this.#name = `wirebook.${name}`;
  }

  read(): string | undefined {
    try {
      return localStorage.getItem(this.#name) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** True when it is kept. */
  write(text: string): boolean {
    try {
      localStorage.setItem(this.#name, text);
      return true;
    } catch {
      return false; // Best effort: see above.
    }
  }
}
