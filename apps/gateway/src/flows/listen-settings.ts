/** The ports of `--listen`: what they lead to, and who may reach that. */

import { decodeHostPort, describeHostPort, describeTarget, isLoopback } from "@wirebook/net";
import type { HostPort, Target } from "@wirebook/net";
import { listeningMax, quotedCharactersMax } from "@wirebook/protocol";
import { type NameOf, SettingsError } from "@wirebook/settings";

export interface ListenSettings extends HostPort {
  readonly target: Target;
  /** True where another port will do when that one is in use. */
  readonly isOptional?: true;
}

/** Characters of names that a sentence lists. */
const namesCharactersMax = 200;

/** @throws SettingsError; `none` alone stands for none, where there would be one by default */
export function readListens(
  texts: readonly string[],
  targets: readonly Target[],
  allow: readonly unknown[],
  nameOf: NameOf<"listen" | "allow">,
) {
  if (texts.length === 0 && allow.length > 0) {
    const missing = "the ports of --listen, which is missing; type --listen PORT=NAME as well";
    throw new SettingsError(`${nameOf("allow")} is for ${missing}`);
  }
  if (texts.length > listeningMax) {
    throw new SettingsError(
      `${texts.length} ports of ${nameOf("listen")} are over the limit of ${listeningMax}; leave some out`,
    );
  }
  if (texts.length === 1 && texts[0] === "none") return [];
  const listens = texts.map((text) => readListen(text, targets, nameOf));
  if (allow.length > 0) return listens;
  for (const { target, ...place } of listens) {
    const { host } = place;
    const { address } = target;
    if (isLoopback(host) && address.transport === "tcp" && isLoopback(address.host)) continue;
    const who = isLoopback(host) ? "every program here, and any website in a browser here," : "other machines";
    throw new SettingsError(
      `through ${nameOf("listen", describeHostPort(place))} ${who} would reach ${describeTarget(target)}; where that is meant, say who may ` +
        "connect: --allow with their network, such as 127.0.0.0/8 or 192.0.2.0/24",
    );
  }
  return listens;
}

function readListen(text: string, targets: readonly Target[], nameOf: NameOf<"listen">): ListenSettings {
  const [, at = "", optional, name = ""] = /^(.*?\d{1,5})(\??)=(.*)$/s.exec(text) ?? [];
  const place = decodeHostPort(at.includes(":") ? at : `127.0.0.1:${at}`, 0);
  const target = targets.find((each) => each.name === name);
  if (place !== undefined && target !== undefined)
    return { ...place, target, ...(optional === "?" && { isOptional: true }) };
  const shown = JSON.stringify(text.slice(0, quotedCharactersMax));
  const names = targets.map((each) => each.name).join(", ");
  throw new SettingsError(
    `${nameOf("listen")} is ${shown}; type [HOST:]PORT=NAME with a port from 0 to 65535, such as 5008=wirebook, ` +
      `and the name of a target; there is ${names.slice(0, namesCharactersMax)}`,
  );
}
