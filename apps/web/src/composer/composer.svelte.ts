import type { Keyring } from "./keyring.svelte.ts";
import { makeDraft } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { parametersOf } from "./parameters.ts";
import type { Operations } from "./operations.svelte.ts";
import { InputHistory } from "./input-history.ts";

interface Typed {
  readonly user: string;
  readonly operation: number | undefined;
  readonly values: readonly string[];
}

/** The composer's fields, and what they make. */
export class Composer {
  user = $state("");
  /** What is typed for each parameter of the operation; those that nobody has touched may be missing. */
  values = $state<string[]>([]);
  readonly #operations: Operations;
  readonly #keyring: Keyring;
  readonly #recall = new InputHistory<Typed>((typed) => JSON.stringify(typed));
  #operation = $state<number>();

  constructor(operations: Operations, keyring: Keyring, user: string) {
    this.#keyring = keyring;
    this.#operations = operations;
    this.user = user;
  }

  /** The number of the operation; `undefined` for none. It may be chosen before the server has said what it offers. */
  get operation(): number | undefined {
    return this.#operation;
  }

  set operation(number: number | undefined) {
    this.#operation = number;
    this.values = [];
  }

  /** The user as it goes into a message, with the key that is kept for it. */
  get speaker(): string {
    return this.#keyring.speaker(this.user);
  }

  /** What the server said of the operation. */
  get announcement() {
    return this.#operation === undefined ? undefined : this.#operations.find(this.#operation);
  }

  get draft(): Draft {
    const { announcement: operation, speaker: user } = this;
    if (operation === undefined && this.#operation !== undefined) return this.#unannounced(this.#operation);
    const parameters = operation === undefined ? [] : parametersOf(operation);
    return makeDraft({ user, operation, values: parameters.map((_, at) => this.values[at] ?? "") });
  }

  /** Notes that the fields as they stand were sent. */
  noteSent(): void {
    // A key that was typed with the name is kept when it was taken; what is recalled shows it no more.
    this.#recall.add({ ...this.#typed(), user: this.user.replace(/~.*$/u, "") });
  }

  /** Goes to the message that was sent before the one shown; false when there is none. */
  back(): boolean {
    return this.#fill(this.#recall.back(this.#typed()));
  }

  /** Goes forward again; false when there is nothing further. */
  forward(): boolean {
    return this.#fill(this.#recall.forward());
  }

  #typed(): Typed {
    return { user: this.user, operation: this.#operation, values: [...this.values] };
  }

  #unannounced(operation: number): Draft {
    const problem =
      this.#operations.list === undefined
        ? `this server has not said what operation ${operation} is; choose none to ask it`
        : `this server does not offer operation ${operation}; choose another`;
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
