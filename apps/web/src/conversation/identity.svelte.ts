/** Who the page sends as to the Wirebook server, and the access keys that this browser has for names. */

import { redactMessage } from "@wirebook/protocol";
import * as z from "zod/mini";
import { keysKept } from "../streams/keys.ts";
import { Persisted } from "../ui/browser.ts";

export class Identity {
  readonly keyring = new Keyring();
  readonly #persisted = new Persisted("user");
  /** The name that a server accepted last, without its key; `""` before the first. */
  name = $state(this.#persisted.read() ?? "");
  readonly #onUse: (user: string) => void;

  /** @param onUse gets the name with its key when the page begins to send as another */
  constructor(onUse: (user: string) => void) {
    this.#onUse = onUse;
  }

  /** False until the user has sent something once: before that, the page sends nothing on its own. */
  get hasConnected(): boolean {
    return this.name !== "";
  }

  get user(): string {
    return this.keyring.withKey(this.name);
  }

  /** Sends as this name from now on. @param user a name, or `name~key` */
  use(user: string): void {
    this.name = redactMessage(user);
    this.#persisted.write(this.name); // What is kept here outlives the page: never a key.
    this.#onUse(user);
  }
}

/**
 * Keys are stored as they are: anyone with access to this browser's profile can use them. Each change first reads the storage
 * again, so that no key of another tab is lost.
 */
export class Keyring {
  problem = $state("");
  /** False where no Wirebook server gets what is sent: a key is for no other service. */
  isInUse = $state(true);
  readonly #persisted = new Persisted("users");
  #keys = $state.raw<ReadonlyMap<string, string>>(this.#stored());

  has(name: string): boolean {
    return this.#keys.has(name);
  }

  /** The name as it goes into a message: with its key, if there is one and a Wirebook server gets it. */
  withKey(name: string): string {
    return this.isInUse && this.has(name) ? `${name}~${this.#keys.get(name)}` : name;
  }

  /** Keeps the key of a `name~key` that a server created or accepted. Returns the name. */
  keep(user: string): string {
    const [name = "", key = ""] = user.split("~", 2);
    if (key === "" || this.#keys.get(name) === key) return name;
    const keys = new Map([...this.#keys, ...this.#stored(), [name, key]]);
    if (keys.size <= keysKept) this.#store(keys);
    else
      this.problem = `The key of ${name} was not saved: this browser has ${keysKept} keys, the limit. Forget one that you no longer need.`;
    return name;
  }

  forget(name: string): void {
    const keys = new Map([...this.#keys, ...this.#stored()]);
    keys.delete(name);
    this.#store(keys);
  }

  #store(keys: ReadonlyMap<string, string>): void {
    this.#keys = keys;
    const isKept = this.#persisted.write(JSON.stringify([...keys]));
    this.problem = isKept ? "" : "This browser cannot save the key. Copy it before you close or reload the page.";
  }

  #stored(): Map<string, string> {
    return new Map(this.#persisted.readAs(z.array(z.tuple([z.string(), z.string()])))?.slice(0, keysKept));
  }
}
