/**
 * The access keys of this browser's users.
 *
 * A message is sent with the key of the name in the User field, if there is one; only the name is shown. Keys are stored
 * as they are: anyone with access to this browser's profile can use them. Each change first reads the storage again, so
 * that no key of another tab is lost.
 */

import { keysKept } from "../exchanges/keys.ts";
import { Persisted } from "../ui/browser.ts";

export class Keyring {
  /** Why the last key was not kept. */
  problem = $state("");
  /** True while the user is asked to confirm that a key is forgotten. */
  isConfirmingForget = $state(false);
  /** False where no Wirebook server gets what is sent: a key is for no other service. */
  isInUse = $state(true);
  readonly #persisted = new Persisted("users");
  #keys = $state.raw<ReadonlyMap<string, string>>(new Map());

  constructor() {
    this.#keys = this.#stored();
  }

  has(name: string): boolean {
    return this.#keys.has(name.trim());
  }

  get isFull(): boolean {
    return this.#keys.size >= keysKept;
  }

  /** The name as it goes into a message: with its key, if there is one and a Wirebook server gets it. */
  withKey(user: string): string {
    const name = user.trim();
    return this.isInUse && this.has(name) ? `${name}~${this.#keys.get(name)}` : name;
  }

  /** Keeps the key of a `name~key` that a server created or accepted. Returns the name. */
  keep(user: string): string {
    const [name = "", key = ""] = user.split("~", 2);
    if (key === "" || this.#keys.get(name) === key) return name;
    const keys = new Map([...this.#keys, ...this.#stored()]);
    if (keys.size >= keysKept && !keys.has(name)) {
      this.problem = `The key of ${name} was not saved: this browser has ${keysKept} keys, the limit. Forget one that you no longer need.`;
      return name;
    }
    this.#store(keys.set(name, key));
    return name;
  }

  /** Forgets the key of a name; the server does not send it again. */
  forget(user: string): void {
    const keys = new Map([...this.#keys, ...this.#stored()]);
    keys.delete(user.trim());
    this.#store(keys);
    this.isConfirmingForget = false;
  }

  #store(keys: ReadonlyMap<string, string>): void {
    this.#keys = keys;
    const isKept = this.#persisted.write(JSON.stringify([...keys]));
    this.problem = isKept ? "" : "This browser cannot save the key. Copy it before you close or reload the page.";
  }

  #stored(): Map<string, string> {
    try {
      const pairs: unknown = JSON.parse(this.#persisted.read() ?? "[]");
      return new Map(Array.isArray(pairs) ? pairs.filter(isPair).slice(0, keysKept) : []);
    } catch {
      return new Map();
    }
  }
}

function isPair(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === "string");
}
