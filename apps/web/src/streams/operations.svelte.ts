import { findOperation } from "@wirebook/protocol";
import type { Announcement, OperationSpec } from "@wirebook/protocol";

/** What the Wirebook server announced with its latest reply. The page offers no operation that the server did not name. */
export class Operations {
  list = $state.raw<readonly Announcement[]>();

  find(number: number): Announcement | undefined {
    return this.list?.find((each) => each.number === number);
  }

  /** The announced operation that does what this protocol means by a verb. */
  offering(verb: OperationSpec["verb"]): Announcement | undefined {
    return this.list?.find(({ number }) => findOperation(number)?.verb === verb);
  }
}
