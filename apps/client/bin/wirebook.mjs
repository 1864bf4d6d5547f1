#!/usr/bin/env node
// Plain JavaScript for any Node since 20: the client is TypeScript, which a Node that strips types runs as it is. An
// older one hands over to the Node that `npm ci` put beside the workspace.

import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const nodeMajorLeast = 24;
const own = realpathSync(fileURLToPath(import.meta.url));
const main = join(dirname(own), "..", "src", "main.ts");

/** The nearest `node_modules/.bin/node` on the way from this file up to the root. */
function findNode() {
  for (let folder = dirname(own); ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", ".bin", "node");
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

function handOver(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit" });
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
  process.stderr.write(`wirebook: ${reason}; run npm start (or npm ci) in the checkout first\n`);
  process.exitCode = 70;
}

if (process.features.typescript && Number.parseInt(process.versions.node, 10) >= nodeMajorLeast) {
  try {
    await import("../src/main.ts");
  } catch (error) {
    if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
    refuse("its packages are not installed");
  }
} else {
  const node = findNode();
  if (node !== undefined) handOver(node);
  else refuse(`Node ${process.versions.node} is older than ${nodeMajorLeast} and the packages are not installed`);
}
