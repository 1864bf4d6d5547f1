/** Who sent a request, and who may do what at the gateway [G-14]. The users of the Wirebook server are the server's own. */

import type { GatewayRole } from "@wirebook/protocol";
import type { Refusal } from "../http/access-control.ts";
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

export const guest: Identity = Object.freeze({ user: null, role: "viewer", endsMs: Infinity, isGuest: true });

export function deny(message: string, status = 403): Refusal {
  return { status, reason: "authentication", message };
}

export function isRefusal(found: object): found is Refusal {
  return "status" in found;
}

export const userNameCharactersMax = 64;

const nameForm = new RegExp(`^[^\\p{C}\\p{Zl}\\p{Zp}]{1,${userNameCharactersMax}}$`, "u");

/** True for a name that a log and a page can show as it is. */
export function isUserName(text: string): boolean {
  return nameForm.test(text) && text.trim() === text;
}

/** By the user's name; `*` is everybody who authenticates. */
export type Roles = ReadonlyMap<string, GatewayRole>;

/** A user's role: the own one, else everybody's, else the least. */
export function roleOf(user: string, roles: Roles): GatewayRole {
  return roles.get(user) ?? roles.get("*") ?? "viewer";
}

export function mayUseTargets(role: GatewayRole): boolean {
  return role !== "viewer";
}

/** Why somebody may not use a target. */
export function describeForbidden({ user, role }: Identity): string {
  return `your role ${role} may not use targets; ask the operator for --role ${user}=user`;
}
