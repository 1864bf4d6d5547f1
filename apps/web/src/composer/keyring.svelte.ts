/**
 * The keys of the names under which this browser writes.
 *
 * A name in the User field speaks with its key, if one is kept for it, and nothing but the name is ever shown. They lie in the
 * browser's storage as they are: whoever can use this browser's profile can use them. What another tab has kept meanwhile
 * is read again before each change, so that none is lost.
 */

import { keysKept } from "../limits.ts";
import { Persisted } from "../ui/persisted.ts";

export class Keyring {
  /** What came of the last key, when it is not simply kept. */
  problem = $state("");
  /** True while it is asked whether a key shall be forgotten. */
  isAsking = $state(false);
  readonly #persisted = new Persisted("users");
  #keys = $state.raw<ReadonlyMap<string, string>>(new Map());

  constructor() {
    this.#keys = this.#stored();
  }

  /** True when a key is kept for a name. */
  has(name: string): boolean {
    return this.#keys.has(name.trim());
  }

  /** True when no further key is kept. */
  get isFull(): boolean {
    return this.#keys.size >= keysKept;
  }

  /** What the User field's name is in a message: with its key, if one is kept. */
  speaker(user: string): string {
    const name = user.trim();
    const key = this.#keys.get(name);
    return key === undefined ? name : `${name}~${key}`;
  }

  /** Keeps the key of a `name~key`, which a server made or took. Returns the name. */
  keep(user: string): string {
    const [name = "", key = ""] = user.split("~", 2);
    if (key === "" || this.#keys.get(name) === key) return name;
    const keys = new Map([...this.#keys, ...this.#stored()]);
    if (keys.size >= keysKept && !keys.has(name)) {
      this.problem = `The key of ${name} is not kept: there are ${keysKept} already. Forget one that you no longer need.`;
      return name;
    }
    this.#store(keys.set(name, key));
    return name;
  }

  /** Forgets the key of a name. It cannot be had again. */
  forget(user: string): void {
    const keys = new Map([...this.#keys, ...this.#stored()]);
    keys.delete(user.trim());
    this.#store(keys);
    this.isAsking = false;
  }

  #store(keys: ReadonlyMap<string, string>): void {
    this.#keys = keys;
    const isKept = this.#persisted.write(JSON.stringify([...keys]));
    this.problem = isKept ? "" : "This browser keeps nothing: copy the key before you close or reload the page.";
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
