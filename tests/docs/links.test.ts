/** Every relative link, anchor, rule and path in the repository's Markdown leads somewhere. */

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const isSkipped = (name: string): boolean => name === "node_modules" || name.startsWith(".");
const documents = globSync("**/*.md", { cwd: root, exclude: isSkipped }).toSorted();

/** The text without code, where brackets and number signs mean other things. */
function proseOf(path: string): string {
  return readFileSync(path, "utf8")
    .replaceAll(/^```[^]*?^```/gm, "")
    .replaceAll(/^ {4}.*$/gm, "")
    .replaceAll(/`[^`\n]*`/g, "");
}

/** What a `#…` in a link can name: the anchors that are written out, and those that a heading gets as on GitHub. */
function anchorsOf(path: string): Set<string> {
  const text = readFileSync(path, "utf8").replaceAll(/^```[^]*?^```/gm, "");
  const written = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id);
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return new Set([...written, ...headings]);
}

test.each(documents)("%s links to what is there", (name) => {
  const path = join(root, name);
  const prose = proseOf(path);
  const inline = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  const defined = [...prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm)].map(([, target = ""]) => target);
  const broken = [...inline, ...defined].filter((target) => {
    if (/^https?:/.test(target)) return false;
    const [file = "", anchor] = target.split("#");
    const linked = file === "" ? path : join(dirname(path), file);
    return !existsSync(linked) || (anchor !== undefined && !anchorsOf(linked).has(anchor));
  });
  expect(broken).toEqual([]);
});

test.each(documents)("%s defines each rule that it mentions", (name) => {
  const prose = proseOf(join(root, name));
  const definitions = new Set([...prose.matchAll(/^\[([A-Z]-\d+)\]: /gm)].map(([, rule]) => rule));
  const mentioned = [...prose.matchAll(/\[([WGHUN]-\d+)\]/g)].map(([, rule]) => rule);
  expect(mentioned.filter((rule) => !definitions.has(rule))).toEqual([]);
});

test.each(documents)("%s names files and folders that exist", (name) => {
  const text = readFileSync(join(root, name), "utf8");
  const paths = [...text.matchAll(/`((?:apps|bench|deploy|docs|libs|scripts|tests|test-support)\/[\w./-]+)`/g)];
  expect(paths.map(([, path = ""]) => path).filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
