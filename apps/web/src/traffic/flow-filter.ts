/** The filter of the traffic: words, and `target:`, `client:` and `state:`. All of them must fit; a minus means none may. */

import { resultOf } from "../streams/result.ts";
import type { Stream } from "../streams/stream.svelte.ts";

const fields: Readonly<Record<string, (flow: Stream) => string>> = {
  target: ({ intent }) => intent.target.name,
  client: ({ clientName }) => clientName,
  state: (flow) => `${flow.state} ${resultOf(flow).word}`,
};

const fieldNames = Object.keys(fields);

/** What decides whether a flow is shown; or the sentence that says what is wrong. */
export function parseFlowFilter(text: string): ((flow: Stream) => boolean) | string {
  const terms: ((flow: Stream) => boolean)[] = [];
  for (const word of text
    .toLowerCase()
    .split(/\s+/u)
    .filter((each) => each !== "")) {
    const isNot = word.startsWith("-") && word.length > 1;
    const [, name, value = ""] = /^([a-z]+):(.*)$/u.exec(isNot ? word.slice(1) : word) ?? [];
    const field = name === undefined ? undefined : fields[name];
    if (name !== undefined && field === undefined) {
      return `Unknown field ${name.slice(0, 40)}. Use ${fieldNames.map((each) => `${each}:`).join(", ")} or plain words.`;
    }
    if (field !== undefined && value === "") return `Type what ${name}: must contain, as in ${name}:x.`;
    const sought = field === undefined ? word.slice(isNot ? 1 : 0) : value;
    terms.push((flow) => (field ?? allText)(flow).toLowerCase().includes(sought) !== isNot);
  }
  return (flow) => terms.every((fits) => fits(flow));
}

function allText(flow: Stream): string {
  return [flow.name, ...Object.values(fields).map((field) => field(flow))].join(" ");
}
