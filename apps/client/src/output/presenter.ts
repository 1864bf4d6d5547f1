import type { Trace } from "@wirebook/net";
import type { Outgoing } from "../message.ts";
import type { Outcome } from "../outcome.ts";
import type { ReplyNews } from "../reply-parser.ts";

/** Shows exchanges, one after the other. It writes at once what it is given and holds none of it. */
export interface Presenter {
  begin(outgoing: Outgoing): void;
  take(news: ReplyNews): void;
  end(outcome: Outcome, trace: Trace): void;
}
