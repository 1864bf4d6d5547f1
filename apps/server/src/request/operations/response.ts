import type { History, Snapshot, Users } from "@wirebook/history";
import type { Counters } from "../../server-context.ts";
import type { Subscription, Subscriptions } from "../subscriptions.ts";

/** Who asks, and what an operation may reach. */
export interface RequestContext {
  readonly history: History;
  readonly users: Users;
  readonly counters: Counters;
  readonly subscriptions: Subscriptions;
  /** The name, never a key. */
  readonly user: string;
  readonly address: string;
}

/** What follows the beginning of a reply: a text, and perhaps lines behind it, of which the sender disposes. */
export interface Response {
  /** Empty, or whole lines. */
  readonly text: string;
  readonly snapshot?: Snapshot;
  readonly follow?: Subscription;
}
