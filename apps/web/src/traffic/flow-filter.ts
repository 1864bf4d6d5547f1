/** The filter of the traffic: words that the name, the target, the client or the state has. A minus means that none may. */

import { resultOf } from "../streams/result.ts";
import type { Stream } from "../streams/stream.svelte.ts";

/** What decides whether a flow is shown. */
export function parseFlowFilter(text: string): (flow: Stream) => boolean {
  const words = text
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== "");
  const terms = words.map((word) => {
    const isNot = word.startsWith("-") && word.length > 1;
    return { isNot, sought: isNot ? word.slice(1) : word };
  });
  return (flow) => terms.every(({ isNot, sought }) => textOf(flow).includes(sought) !== isNot);
}

function textOf(flow: Stream): string {
  const { name, intent, clientName, state } = flow;
  return [name, intent.target.name, clientName, state, resultOf(flow).word].join(" ").toLowerCase();
}
