/**
 * Finds circles of imports; part of `npm run lint`.
 *
 * Oxlint's `import/no-cycle` does not see `import()` and reads no `.svelte` file. This sees both. It leaves out imports of
 * types alone, of which nothing is left at run time.
 *
 *     node scripts/import-cycles.mjs [FOLDER]
 */

import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

const importForm =
  /^\s*(?:import|export)\s(?!type\s)(?:[^"';]*?\sfrom\s*)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)(?![.[])/gm;
const left = /(?:^|\/)(?:node_modules|dist)(?:\/|$)/;

const root = resolve(process.argv[2] ?? join(import.meta.dirname, ".."));
const names = globSync("**/*.{ts,mjs,svelte}", { cwd: root, exclude: (name) => left.test(name) });
const graph = new Map(names.map((name) => [join(root, name), importsOf(join(root, name))]));
const cycles = findCycles();
for (const cycle of cycles) {
  console.error(`import cycle: ${cycle.map((file) => file.slice(root.length + 1)).join(" -> ")}`);
}
if (cycles.length > 0) process.exit(1);
console.log(`No import cycle in ${names.length} files.`);

/** The files of this project that a file imports, at once or later. */
function importsOf(file) {
  const found = [...readFileSync(file, "utf8").matchAll(importForm)].map(([, atOnce, later]) => atOnce ?? later);
  const own = found.filter((name) => name.startsWith(".") || name.startsWith("@wirebook/"));
  return own.map((name) => (name.startsWith(".") ? join(dirname(file), name) : createRequire(file).resolve(name)));
}

/** One circle for each import that closes one. */
function findCycles() {
  const found = [];
  const done = new Set();
  const path = [];
  const walk = (file) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) walk(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) walk(file);
  return found;
}
