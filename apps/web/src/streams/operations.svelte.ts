import { findOperation, type Announcement, type OperationSpec } from "@wirebook/protocol";
import * as z from "zod/mini";
import { Persisted } from "../ui/browser.ts";

const announcements = z.array(
  z.object({
    number: z.number(),
    purpose: z.string(),
    parameters: z.array(z.object({ name: z.string(), isOptional: z.boolean() })),
  }),
);

/** What the Wirebook server announced with its latest reply: the page offers no other operation. This browser remembers them. */
export class Operations {
  readonly #kept = new Persisted("operations");
  #list = $state.raw<readonly Announcement[] | undefined>(this.#kept.readAs(announcements));

  get list(): readonly Announcement[] | undefined {
    return this.#list;
  }

  set list(list: readonly Announcement[] | undefined) {
    const isNews = list !== undefined && JSON.stringify(list) !== JSON.stringify(this.#list);
    if (isNews) this.#kept.write(JSON.stringify(list));
    this.#list = list;
  }

  find(number: number): Announcement | undefined {
    return this.list?.find((each) => each.number === number);
  }

  /** The announced operation that does what this protocol means by a verb. */
  offering(verb: OperationSpec["verb"]): Announcement | undefined {
    return this.list?.find(({ number }) => findOperation(number)?.verb === verb);
  }
}
