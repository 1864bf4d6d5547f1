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
  /** True for somebody who has not logged in: may watch the presentation of a link, and nothing else [G-16]. */
  readonly isGuest?: boolean;
}

/** Everybody, where the gateway asks for no authentication. */
export const everybody: Identity = Object.freeze({ user: null, role: "operator", endsMs: Infinity });

/** Whoever comes by the link of a presentation. */
export const guest: Identity = Object.freeze({ user: null, role: "viewer", endsMs: Infinity, isGuest: true });

/** True when it is not known who that is, and why. */
export function isRefusal(found: Identity | Refusal): found is Refusal {
  return "status" in found;
}
