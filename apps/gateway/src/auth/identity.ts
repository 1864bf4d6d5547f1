/** Who sent a request. */

import type { GatewayRole } from "@wirebook/protocol";
import type { Refusal } from "../http/origin-policy.ts";
import type { Session } from "./sessions.ts";

/** Somebody who may come in. */
export interface Identity {
  /** `null` where the gateway asks for no authentication. */
  readonly user: string | null;
  readonly role: GatewayRole;
  /** Of a login by cookie. */
  readonly session?: Session;
  /** Of a program's password [`UsersFile.tagOf`]. */
  readonly tag?: string | undefined;
  /** Milliseconds since 1970 at which the proof is too old: WebSockets end then, and prove it anew. */
  readonly endsMs: number;
}

/** Everybody, where the gateway asks for no authentication. */
export const everybody: Identity = Object.freeze({ user: null, role: "operator", endsMs: Infinity });

/** True when it is not known who that is, and why. */
export function isRefusal(found: Identity | Refusal): found is Refusal {
  return "status" in found;
}
