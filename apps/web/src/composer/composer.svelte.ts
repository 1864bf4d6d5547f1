import { makeDraft } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { parametersOf } from "./parameters.ts";
import type { Operations } from "./operations.svelte.ts";
import { Recall } from "./recall.ts";

interface Typed {
  readonly user: string;
  readonly operation: number | undefined;
  readonly values: readonly string[];
}

/** The composer's fields, and what they make. */
export class Composer {
  user = $state("");
  values = $state<string[]>([]);
  readonly #operations: Operations;
  readonly #recall = new Recall<Typed>((typed) => JSON.stringify(typed));
  #operation = $state<number>();

  constructor(operations: Operations, user: string) {
    this.#operations = operations;
    this.user = user;
  }

  /** The number of the operation; `undefined` for none. */
  get operation(): number | undefined {
    return this.#operation;
  }

  set operation(number: number | undefined) {
    this.#operation = number;
    this.values = this.announcement === undefined ? [] : parametersOf(this.announcement).map(() => "");
  }

  /** What the server said of the operation. */
  get announcement() {
    return this.#operation === undefined ? undefined : this.#operations.find(this.#operation);
  }

  get draft(): Draft {
    return makeDraft({ user: this.user, operation: this.announcement, values: this.values });
  }

  /** Notes that the fields as they stand were sent. */
  noteSent(): void {
    this.#recall.add(this.#typed());
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

  #fill(typed: Typed | undefined): boolean {
    if (typed === undefined) return false;
    this.user = typed.user;
    this.operation = typed.operation;
    this.values = this.values.map((empty, at) => typed.values[at] ?? empty);
    return true;
  }
}
