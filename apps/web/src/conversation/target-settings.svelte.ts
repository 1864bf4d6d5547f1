/** The target that is chosen, and how lines go to each: this browser remembers both. */

import type { AnnouncedTarget } from "@wirebook/protocol";
import { serverName } from "../gateway/targets.ts";
import { Persisted } from "../ui/browser.ts";
import { lineEnds } from "./line-bytes.ts";
import type { LineEnd } from "./line-bytes.ts";

export interface TargetSettings {
  readonly lineEnd: LineEnd;
  readonly input: "text" | "hex";
  /** True when a connection stays open for more lines; else FIN follows each. */
  readonly keepsOpen: boolean;
}

/** The line end of most text protocols of the Internet: SMTP, IMAP, FTP, HTTP, redis. */
const usual: TargetSettings = { lineEnd: "CRLF", input: "text", keepsOpen: true };

/** A Wirebook server takes one message a connection, and closes it after the reply. */
const forServer: TargetSettings = { lineEnd: "LF", input: "text", keepsOpen: false };

/** Targets whose settings are remembered. */
const rememberedMax = 64;

export class TargetChoice {
  #name = $state<string>();
  #settings = $state.raw<ReadonlyMap<string, TargetSettings>>(new Map());
  readonly #persistedName = new Persisted("target");
  readonly #persistedSettings = new Persisted("target-settings");

  constructor() {
    this.#name = this.#persistedName.read();
    this.#settings = new Map(parse(this.#persistedSettings.read()));
  }

  /** The chosen one among those that there are, or else the usual one. */
  of(targets: readonly AnnouncedTarget[], usualTarget: AnnouncedTarget): AnnouncedTarget {
    return targets.find(({ name }) => name === this.#name) ?? usualTarget;
  }

  choose(name: string): void {
    this.#name = name;
    this.#persistedName.write(name);
  }

  settingsOf({ name }: AnnouncedTarget): TargetSettings {
    return name === serverName ? forServer : (this.#settings.get(name) ?? usual);
  }

  set(target: AnnouncedTarget, change: Partial<TargetSettings>): void {
    const { name } = target;
    const others = [...this.#settings].filter(([each]) => each !== name).slice(1 - rememberedMax);
    this.#settings = new Map([...others, [name, { ...this.settingsOf(target), ...change }]]);
    this.#persistedSettings.write(JSON.stringify([...this.#settings]));
  }
}

/** What an earlier or a later page has stored may be anything. */
function parse(text: string | undefined): readonly (readonly [string, TargetSettings])[] {
  try {
    const pairs: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(pairs)) return [];
    return pairs.slice(-rememberedMax).flatMap((pair: unknown) => {
      if (!Array.isArray(pair) || typeof pair[0] !== "string") return [];
      const { lineEnd, input, keepsOpen } = (pair[1] ?? {}) as Partial<TargetSettings>;
      const settings = {
        lineEnd: lineEnd !== undefined && Object.hasOwn(lineEnds, lineEnd) ? lineEnd : usual.lineEnd,
        input: input === "hex" ? input : usual.input,
        keepsOpen: keepsOpen !== false,
      };
      return [[pair[0], settings] as const];
    });
  } catch {
    return [];
  }
}
