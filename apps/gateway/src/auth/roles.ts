/** Who may do what at the gateway [G-14]. The roles concern the gateway alone: users of the Wirebook server are the server's. */

import { gatewayRoles } from "@wirebook/protocol";
import type { GatewayRole } from "@wirebook/protocol";
import { SettingsError } from "@wirebook/settings";

/** Characters of a user's name. */
export const userNameCharactersMax = 64;

/** Everybody who authenticates, where a name stands. */
const everybody = "*";

const nameForm = new RegExp(`^[^\\p{C}\\p{Zl}\\p{Zp}]{1,${userNameCharactersMax}}$`, "u");

/** True for a name that a log and a page can show as it is. */
export function isUserName(text: string): boolean {
  return nameForm.test(text) && text.trim() === text;
}

/**
 * Reads the values of `--role`, each `NAME=ROLE`.
 *
 * @throws SettingsError
 */
export function readRoles(texts: readonly string[]): Map<string, GatewayRole> {
  const roles = new Map<string, GatewayRole>();
  for (const text of texts) {
    const at = text.lastIndexOf("=");
    const [name, word] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
    const role = gatewayRoles.find((each) => each === word);
    if (!isUserName(name) || role === undefined) {
      const shown = JSON.stringify(text.slice(0, 40));
      throw new SettingsError(
        `--role is ${shown}; type NAME=ROLE with one of ${gatewayRoles.join(", ")}, such as ada=user`,
      );
    }
    if (roles.has(name)) throw new SettingsError(`--role gives ${name.slice(0, 40)} two roles; type one of them`);
    roles.set(name, role);
  }
  return roles;
}

/** A user's role: the own one, else everybody's, else the least. */
export function roleOf(user: string, roles: ReadonlyMap<string, GatewayRole>): GatewayRole {
  return roles.get(user) ?? roles.get(everybody) ?? "viewer";
}

/** True when somebody of that role may use the targets. */
export function mayUseTargets(role: GatewayRole): boolean {
  return role !== "viewer";
}

/** Why somebody may not use a target. */
export function describeForbidden({
  user,
  role,
}: {
  readonly user: string | null;
  readonly role: GatewayRole;
}): string {
  return `your role ${role} may not use targets; ask the operator for --role ${user}=user`;
}
