/**
 * Ways to break a program on purpose, for the modules of `breaks/`, which Node loads before it.
 *
 * The program itself knows nothing of this: a switch in the product that turns a promise off would be a hole in it.
 */

import { registerHooks } from "node:module";

/**
 * Replaces a piece of a source file while it is loaded.
 *
 * @param file how the file's URL ends: `apps/server/src/request/session.ts`
 * @param from must occur exactly once
 * @throws Error, in the program that loads the file, when the source has no such piece any more
 */
export function replaceInSource(file: string, from: string, to: string): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/${file}`)) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array).toString();
      if (source.split(from).length !== 2)
        throw new Error(`the break of ${file} fits no more: ${JSON.stringify(from)}`);
      return { ...loaded, source: source.replace(from, () => to) };
    },
  });
}
