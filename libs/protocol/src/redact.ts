/**
 * Keys, and how a text is rid of them before anybody else sees it [W-9], [H-5].
 *
 * A key is known by two marks. It stands behind a `~`; nothing else that a message may hold has that sign. And it is a long
 * run of letters and digits, so that one which was pasted without its name is still seen, also with a letter missing,
 * doubled or wrong. One that is broken up by white space or cut short cannot be told from other words.
 */

import { keyRunCharactersMin, keyRunSortMin } from "./limits.ts";

const mark = "…";
const run = new RegExp(`[0-9A-Za-z]{${keyRunCharactersMin},}`, "g");
const behindTildeOrRun = new RegExp(`~\\S+|${run.source}`, "gu");

/** True when the text has a run of letters and digits as keys are: long, and with several of both. */
export function looksLikeKey(text: string): boolean {
  return (text.match(run) ?? []).some(isKeyRun);
}

/** The text with `…` for every key: behind each `~`, and for each run that looks like one. */
export function redactKeys(text: string): string {
  return text.replace(behindTildeOrRun, (found) =>
    found.startsWith("~") ? `~${mark}` : isKeyRun(found) ? mark : found,
  );
}

/** The message as the history may hold it: `redactKeys`, and of the `name~key` at its head nothing but the name [H-5]. */
export function redactMessage(message: string): string {
  return redactKeys(message).replace(/^(\s*[^\s~]*)~\S*/u, "$1");
}

function isKeyRun(found: string): boolean {
  const digits = found.replaceAll(/\D/g, "").length;
  return digits >= keyRunSortMin && found.length - digits >= keyRunSortMin;
}
