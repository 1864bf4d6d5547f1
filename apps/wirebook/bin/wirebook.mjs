#!/usr/bin/env node
// Plain JavaScript for any Node since 20. A checkout has TypeScript, which a Node that strips types runs as it is; an older
// one hands over to the Node that `npm ci` put beside the workspace. The installed package is JavaScript throughout.

import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** As `engines` of the package has it. */
const nodeLeast = "24.12";
const own = realpathSync(fileURLToPath(import.meta.url));

function isNewEnough() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [majorLeast, minorLeast] = nodeLeast.split(".").map(Number);
  return major > majorLeast || (major === majorLeast && minor >= minorLeast);
}

/** The nearest `node_modules/.bin/node` on the way from this file up to the root. */
function findNode() {
  for (let folder = dirname(own); ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", ".bin", "node");
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

function handOver(node) {
  const child = spawn(node, [own, ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends Ctrl-C to both; the child alone decides what it means, and this process ends as the child does.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`wirebook: cannot start ${node} (${error.message}); run npm ci in the checkout\n`);
    process.exitCode = 70;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function refuse(reason) {
  process.stderr.write(`wirebook: ${reason}\n`);
  process.exitCode = 70;
}

if (isNewEnough()) {
  try {
    await import("../src/main.ts");
  } catch (error) {
    if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
    refuse("its packages are not installed; install wirebook again, or run npm ci in the checkout");
  }
} else {
  const node = findNode();
  if (node !== undefined) handOver(node);
  else
    refuse(
      `Node ${process.versions.node} is too old; install Node ${nodeLeast} or newer, or run npm ci in the checkout`,
    );
}
