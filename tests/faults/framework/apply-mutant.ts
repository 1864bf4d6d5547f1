/**
 * Makes a mutant of the program that Node loads next: `node --import "apply-mutant.ts?no-sync" main.ts`.
 *
 * The program itself knows nothing of this.
 */

import { registerHooks } from "node:module";
import { editsOf, mutate } from "../mutants.ts";
import type { MutantName } from "../mutants.ts";

const edits = editsOf(new URL(import.meta.url).search.slice(1) as MutantName);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const own = edits.filter(({ file }) => url.endsWith(`/${file}`));
    if (own.length === 0) return loaded;
    return { ...loaded, source: mutate(Buffer.from(loaded.source as Uint8Array).toString(), own) };
  },
});
