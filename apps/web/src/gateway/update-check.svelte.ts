/**
 * Whether the gateway serves another build of the page than the one that is open, which then misses the parts that it has
 * not loaded yet: their names have hashes. It never reloads by itself, since that would clear what is typed.
 */

/** Said where a part of the page can no longer be loaded. */
export const outdatedSentence = "This page is older than the gateway. Reload it.";

/** Some browsers, Chromium 150 among them, never request a module again whose first request failed. */
const awaySentence =
  "The page could not load this part: the gateway is not reachable. Reload the page when the gateway is back.";

export class UpdateCheck {
  isOutdated = $state(false);

  /** Requests the page's own script: a gateway with another build does not have it. */
  async look(): Promise<void> {
    const script = document.querySelector<HTMLScriptElement>("script[type=module][src]")?.src;
    if (script === undefined) return;
    const answer = await fetch(script, { method: "HEAD", cache: "no-store" }).catch(() => undefined);
    if (answer?.status === 404) this.isOutdated = true;
  }

  /** Why a part of the page could not be loaded, in a sentence. A gateway that was only away still has this build. */
  async explainMissingPart(): Promise<string> {
    await this.look();
    return this.isOutdated ? outdatedSentence : awaySentence;
  }
}
