import { findOperation } from "@wirebook/protocol";
import type { Announcement, OperationSpec } from "@wirebook/protocol";
import { makeDraft, parametersOf } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { Keyring } from "./keyring.svelte.ts";

/** What the server announced with its latest reply. The page offers no operation that the server did not name. */
export class Operations {
  list = $state.raw<readonly Announcement[]>();
  /** The link with which its replies begin; empty before the first. */
  link = $state("");

  find(number: number): Announcement | undefined {
    return this.list?.find((each) => each.number === number);
  }

  /** The announced operation that does what this protocol means by a verb. */
  offering(verb: OperationSpec["verb"]): Announcement | undefined {
    return this.list?.find(({ number }) => findOperation(number)?.verb === verb);
  }
}

/** Messages that the composer recalls. */
export const recalledMax = 100;

/** Steps through what was sent before, and back to what was being typed. */
export class InputHistory<Item> {
  #items: Item[] = [];
  #at = 0;
  #typed: Item | undefined;
  readonly #key: (item: Item) => string;

  /** @param key two items with the same key are one: only the newer is kept */
  constructor(key: (item: Item) => string) {
    this.#key = key;
  }

  add(item: Item): void {
    const key = this.#key(item);
    this.#items = [...this.#items.filter((each) => this.#key(each) !== key), item].slice(-recalledMax);
    this.#at = this.#items.length;
  }

  /** The previous one; `forward` leads back to `typed`. `undefined` when there is none. */
  back(typed: Item): Item | undefined {
    if (this.#at === 0) return undefined;
    if (this.#at === this.#items.length) this.#typed = typed;
    this.#at -= 1;
    return this.#items[this.#at];
  }

  /** The next one, and behind the last what was typed. `undefined` when there is nothing further. */
  forward(): Item | undefined {
    if (this.#at === this.#items.length) return undefined;
    this.#at += 1;
    return this.#items[this.#at] ?? this.#typed;
  }
}

interface Typed {
  readonly user: string;
  readonly operation: number | undefined;
  readonly values: readonly string[];
}

export class Composer {
  user = $state("");
  /** What is typed for each parameter of the operation; the last ones may be missing. */
  values = $state<string[]>([]);
  readonly #operations: Operations;
  readonly #keyring: Keyring;
  readonly #sent = new InputHistory<Typed>((typed) => JSON.stringify(typed));
  #operation = $state<number>();

  constructor(operations: Operations, keyring: Keyring, user: string) {
    this.#keyring = keyring;
    this.#operations = operations;
    this.user = user;
  }

  /** The number of the operation; `undefined` for none. It may be chosen before the server has announced any. */
  get operation(): number | undefined {
    return this.#operation;
  }

  set operation(number: number | undefined) {
    this.#operation = number;
    this.values = [];
  }

  /** The user as it goes into a message, with the key that is kept for it. */
  get userWithKey(): string {
    return this.#keyring.withKey(this.user);
  }

  get announcement() {
    return this.#operation === undefined ? undefined : this.#operations.find(this.#operation);
  }

  get draft(): Draft {
    const { announcement: operation, userWithKey: user } = this;
    if (operation === undefined && this.#operation !== undefined) return this.#unannounced(this.#operation);
    const parameters = operation === undefined ? [] : parametersOf(operation);
    return makeDraft({ user, operation, values: parameters.map((_, at) => this.values[at] ?? "") });
  }

  noteSent(): void {
    // The keyring has a key that was typed with the name, once a server accepts it; what is recalled shows no key.
    this.#sent.add({ ...this.#typed(), user: this.user.replace(/~.*$/u, "") });
  }

  /** Goes to the message that was sent before the one shown; false when there is none. */
  back(): boolean {
    return this.#fill(this.#sent.back(this.#typed()));
  }

  /** Goes forward again; false when there is nothing further. */
  forward(): boolean {
    return this.#fill(this.#sent.forward());
  }

  #typed(): Typed {
    return { user: this.user, operation: this.#operation, values: [...this.values] };
  }

  #unannounced(operation: number): Draft {
    const problem =
      this.#operations.list === undefined
        ? `the server has not announced operation ${operation} yet; choose none to list its operations`
        : `the server does not offer operation ${operation}; choose another`;
    return { message: undefined, values: [], problem };
  }

  #fill(typed: Typed | undefined): boolean {
    if (typed === undefined) return false;
    this.user = typed.user;
    this.operation = typed.operation;
    this.values = [...typed.values];
    return true;
  }
}
