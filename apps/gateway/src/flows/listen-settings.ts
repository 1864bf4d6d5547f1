/** The ports of `--listen`: what they lead to, and who may reach that. */

import { decodeHostPort, describeTarget, isLoopback } from "@wirebook/net";
import type { HostPort, Target } from "@wirebook/net";
import { listeningMax } from "@wirebook/protocol";
import { SettingsError } from "@wirebook/settings";

/** A port whose connections are passed on to a target. */
export interface ListenSettings extends HostPort {
  readonly target: Target;
  /** True where another port will do when that one is in use. */
  readonly isOptional?: true;
}

/** Characters of what was typed, and of names, that a sentence repeats. */
const quotedCharactersMax = 40;
const namesCharactersMax = 200;

/**
 * Reads and checks each `--listen`; `none` alone stands for none, where there would be one by default.
 *
 * @throws SettingsError
 */
export function readListens(
  texts: readonly string[],
  targets: readonly Target[],
  allow: readonly string[],
): ListenSettings[] {
  if (texts.length === 0 && allow.length > 0) {
    throw new SettingsError("--allow is for the ports of --listen, which is missing; type --listen PORT=NAME as well");
  }
  if (texts.length > listeningMax) {
    throw new SettingsError(`${texts.length} ports of --listen are over the limit of ${listeningMax}; leave some out`);
  }
  if (texts.length === 1 && texts[0] === "none") return [];
  const listens = texts.map((text) => readListen(text, targets));
  for (const [index, listen] of listens.entries()) {
    const { host, port, target } = listen;
    const isTwice = listens.findIndex((each) => each.port === port && each.host === host) < index;
    if (isTwice && port !== 0) {
      throw new SettingsError(`--listen has port ${port} of ${host} twice; give each target a port of its own`);
    }
    if (allow.length > 0) continue;
    const advice = "type --allow with their network, such as 192.0.2.0/24";
    if (!isLoopback(host)) {
      throw new SettingsError(
        `--listen on ${host} may be reachable from other machines; ${advice}, or leave out the host`,
      );
    }
    const { address } = target;
    if (address.transport === "tcp" && isLoopback(address.host)) continue;
    throw new SettingsError(
      `through --listen ${port}=${target.name} every program here, and any website in a browser here, would reach ${describeTarget(target)}; ` +
        "where that is meant, say who may connect: --allow 127.0.0.0/8, or another network",
    );
  }
  return listens;
}

function readListen(text: string, targets: readonly Target[]): ListenSettings {
  const shown = JSON.stringify(text.slice(0, quotedCharactersMax));
  const groups = /^(?:(?<place>.*:\d{1,5})|(?<bare>\d{1,5}))(?<optional>\??)=(?<name>.*)$/s.exec(text)?.groups;
  const place = groups && decodeHostPort(groups["place"] ?? `127.0.0.1:${groups["bare"]}`, 0);
  if (groups === undefined || place === undefined) {
    throw new SettingsError(
      `--listen is ${shown}; type [HOST:]PORT=NAME with a port from 0 to 65535, such as 5008=wirebook`,
    );
  }
  const { name, optional } = groups;
  const target = targets.find((each) => each.name === name);
  if (target !== undefined) return { ...place, target, ...(optional === "" ? {} : { isOptional: true }) };
  const names = targets.map((each) => each.name).join(", ");
  throw new SettingsError(
    `--listen is ${shown}, and there is no such target; there is ${names.slice(0, namesCharactersMax)}`,
  );
}
