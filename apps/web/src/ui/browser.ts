/** What the page asks of its browser: to remember a text, to copy one, to save a file, to move the focus. */

import type * as z from "zod/mini";

export const streamLinkPrefix = "#exchange=";

/** A text that this browser keeps under a name. Storage may be switched off or full: both are best effort. */
export class Persisted {
  readonly #name: string;
  readonly #storage: () => Storage;

  constructor(name: string, storage: () => Storage = () => localStorage) {
    this.#name = `wirebook.${name}`;
    this.#storage = storage;
  }

  read(): string | undefined {
    try {
      return this.#storage().getItem(this.#name) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** What is kept as JSON; `undefined` when it is none of the schema: another version of the page may have written it. */
  readAs<Schema extends z.ZodMiniType>(schema: Schema): z.infer<Schema> | undefined {
    try {
      return schema.safeParse(JSON.parse(this.read() ?? "")).data;
    } catch {
      return undefined;
    }
  }

  write(text: string): boolean {
    try {
      this.#storage().setItem(this.#name, text);
      return true;
    } catch {
      return false;
    }
  }
}

/** Copies, and tells how that went: a browser refuses without HTTPS on another machine than its own. */
export async function copyText(text: string, done = "Copied"): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return done;
  } catch {
    return "The browser blocked copying. Use HTTPS.";
  }
}

/** For `{@attach}`: gives a control the focus when it appears. */
export function focusOn(control: HTMLElement): void {
  control.focus();
}

export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
