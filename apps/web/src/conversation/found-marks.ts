/**
 * Marks what Find found, where it is drawn. The marks are the browser's own highlights (CSS Custom Highlight API), so that no
 * element is added to a row; a browser without them still scrolls to each match.
 */

import type { Match } from "./find.svelte.ts";

const names = ["found", "found-current"] as const;

/** @param current the match that is shown, and stands out */
export function markFound(log: Element, text: string, current: Match | undefined): void {
  if (typeof Highlight === "undefined" || text === "") return unmarkFound();
  const ranges: Range[] = [];
  const ofCurrent: Range[] = [];
  for (const place of log.querySelectorAll("code")) {
    const isCurrent = current !== undefined && place.closest("[data-found]") !== null;
    (isCurrent ? ofCurrent : ranges).push(...rangesIn(place, text.toLowerCase()));
  }
  CSS.highlights.set(names[0], new Highlight(...ranges));
  CSS.highlights.set(names[1], new Highlight(...ofCurrent));
}

export function unmarkFound(): void {
  if (typeof Highlight === "undefined") return;
  for (const name of names) CSS.highlights.delete(name);
}

/** The text of a row may stand in several nodes, one for each token. */
function rangesIn(place: Element, text: string): Range[] {
  const nodes: Text[] = [];
  const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) nodes.push(node as Text);
  const all = nodes.map(({ data }) => data.toLowerCase()).join("");
  const found: Range[] = [];
  for (let at = all.indexOf(text); at >= 0; at = all.indexOf(text, at + text.length)) {
    const range = document.createRange();
    const [start, end] = [pointAt(nodes, at), pointAt(nodes, at + text.length)];
    if (start === undefined || end === undefined) continue;
    range.setStart(...start);
    range.setEnd(...end);
    found.push(range);
  }
  return found;
}

function pointAt(nodes: readonly Text[], offset: number): [Text, number] | undefined {
  let left = offset;
  for (const node of nodes) {
    if (left <= node.length) return [node, left];
    left -= node.length;
  }
  return undefined;
}
