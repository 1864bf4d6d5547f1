/**
 * Whether the gateway serves another build of the page than the one that is open.
 *
 * The names of a build's files have hashes of their contents, and a new build removes those of the one before. A page
 * that stays open over an update misses the parts that it has not loaded yet. It never reloads by itself: that would
 * clear the conversation and what is typed.
 */

/** Said where a part of the page can no longer be loaded. */
export const outdatedSentence = "This page is older than the gateway. Reload it.";

/** Some browsers, Chromium 150 among them, never request a module again whose first request failed. */
const awaySentence =
  "The page could not load this part: the gateway is not reachable. Reload the page when the gateway is back.";

export class UpdateCheck {
  /** True once it is known that the gateway no longer serves this build. */
  isOutdated = $state(false);

  /** Requests the page's own script: a gateway with another build does not have it. */
  async look(): Promise<void> {
    const script = document.querySelector<HTMLScriptElement>("script[type=module][src]")?.src;
    if (script !== undefined && (await ask(script))?.status === 404) this.isOutdated = true;
  }

  /** Why a part of the page could not be loaded, in a sentence. A gateway that was only away still has this build. */
  async explainMissingPart(): Promise<string> {
    await this.look();
    return this.isOutdated ? outdatedSentence : awaySentence;
  }
}

/** What the gateway answers; `undefined` when it cannot be reached. */
async function ask(address: string): Promise<Response | undefined> {
  return fetch(address, { method: "HEAD", cache: "no-store" }).catch(() => undefined);
}
