/** Viewing: a page that was opened by the link of a presentation shows that, and asks the gateway for nothing else [G-16]. */

import type { GatewayFrame } from "@wirebook/protocol";
import type { GatewayConnection } from "../gateway/connection.svelte.ts";
import { sentence } from "../streams/result.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Flows } from "./flows.svelte.ts";

const watchPrefix = "#watch=";

/** What a link names: a token, or `undefined` when it is no link of a presentation. */
export function presentationOf({ hash, pathname }: Pick<Location, "hash" | "pathname">): string | undefined {
  if (hash.startsWith(watchPrefix)) return hash.slice(watchPrefix.length);
  // The page without its presentation, at which no login is asked for.
  return pathname.endsWith("/guest") ? "" : undefined;
}

export class Viewer {
  /** Why nothing more comes, in a sentence; empty while something may. */
  over = $state("");
  /** True while the gateway has no connection of the presenter. */
  isAway = $state(false);
  /** True while what the presenter selects is selected here, too. */
  isFollowing = $state(true);
  readonly #flows: Flows;
  readonly #connection: Pick<GatewayConnection, "stop">;
  readonly #onFollow: (stream: Stream) => void;
  /** The flow that the presenter has selected, and the one that was selected here because of that. */
  #selected: number | null = null;
  #followed: number | undefined;

  constructor(flows: Flows, connection: Pick<GatewayConnection, "stop">, onFollow: (stream: Stream) => void) {
    this.#flows = flows;
    this.#connection = connection;
    this.#onFollow = onFollow;
  }

  /** False where the link cannot be one of a presentation: then the gateway is not asked. */
  begin(token: string): boolean {
    if (/^[\w-]{22}$/.test(token)) return true;
    this.#end("This link is not complete. Ask the presenter for it again.");
    return false;
  }

  /** Selects what the presenter has selected, as soon as it is there: once, or `again`. */
  follow(isAgain = false): void {
    if (!this.isFollowing || (this.#followed === this.#selected && !isAgain)) return;
    const stream = this.#flows.list.find(({ id }) => id === this.#selected);
    if (stream === undefined) return;
    this.#followed = stream.id;
    this.#onFollow(stream);
  }

  /** A text frame came; false when it is not about viewing. */
  takeFrame(frame: GatewayFrame): boolean {
    if (frame.type === "selected") {
      this.#selected = frame.id;
      this.isAway = frame.isAway === true;
      this.follow();
    } else if (frame.type === "presented-end") {
      this.#end("The presentation has ended. What it showed stays here until you close the page.");
    } else if (frame.type === "error" && frame.id === null) {
      this.#end(`${sentence(frame.message)} Ask the presenter for a new link.`);
    } else return false;
    return true;
  }

  #end(why: string): void {
    this.over = why;
    this.#flows.lose();
    this.#connection.stop();
  }
}
