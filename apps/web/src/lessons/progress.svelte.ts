import * as z from "zod/mini";
import { Persisted } from "../ui/browser.ts";

const kept = z.record(z.string(), z.enum(["right", "wrong"]));

/** The lessons that were done in this browser, and whether the prediction was right once. */
export class Progress {
  readonly #persisted = new Persisted("lessons");
  done = $state.raw<z.infer<typeof kept>>(this.#persisted.readAs(kept) ?? {});

  note(id: string, isRight: boolean): void {
    this.#keep({ ...this.done, [id]: isRight || this.done[id] === "right" ? "right" : "wrong" });
  }

  forget(): void {
    this.#keep({});
  }

  #keep(done: z.infer<typeof kept>): void {
    this.done = done;
    this.#persisted.write(JSON.stringify(done));
  }
}
