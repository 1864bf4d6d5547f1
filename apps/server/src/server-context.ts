import type { History, Users } from "@wirebook/history";
import type { Subscriptions } from "./request/subscriptions.ts";
import type { RequestLog } from "./request-log.ts";
import type { AuthThrottle } from "./auth/auth-throttle.ts";
import type { Authenticator } from "./auth/auth.ts";

/** What is counted from the start on. */
interface Counters {
  /** On the monotonic clock. */
  readonly startedMs: number;
  /** Messages that were understood, from known users. */
  requests: number;
}

/** What the sessions of one server share. */
export interface ServerContext {
  readonly history: History;
  readonly users: Users;
  readonly log: RequestLog;
  readonly authenticator: Authenticator;
  readonly throttle: AuthThrottle;
  readonly counters: Counters;
  readonly subscriptions: Subscriptions;
  /** What comes before every response but `Authentication error.` [W-11]. */
  readonly replyHeader: string;
}

/** Who sent a request, and what its operation may reach. */
export interface RequestContext extends Pick<ServerContext, "history" | "users" | "counters" | "subscriptions"> {
  /** The name, never a key. */
  readonly user: string;
  readonly address: string;
}
