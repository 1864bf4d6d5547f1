/**
 * Brings the packages and the built page up to date, and does nothing when they are.
 *
 * Plain JavaScript that runs on Node 20: it works before anything is installed, and installs the Node 26 that runs
 * the rest. Each step leaves a stamp with the hash of what it was made from.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The Node that runs the TypeScript: the one that the packages bring. */
export const node = join(root, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node");

const packagesStamp = join(root, "node_modules", ".wirebook-installed");
const packagesSources = ["package-lock.json", "package.json"];
const page = join(root, "apps", "web", "dist", "index.html");
const pageStamp = join(root, ".wirebook", "page-built-from");
const pageSources = ["apps/web", "libs/capture", "libs/protocol", "libs/scenario", "package-lock.json"];
const notSources = new Set(["node_modules", "dist", "test"]);

/** How often npm asks the registry again: after 10 s and then each minute, for about 5 minutes. */
const fetchRetries = 5;

/** Installs the locked packages unless they are there. */
export function installPackages() {
  if (isStamped(packagesStamp, hashOf(packagesSources)) && existsSync(node)) return;
  say("installing packages (npm ci), once");
  // All are needed, also where npm is told otherwise (NODE_ENV=production, omit=dev, omit=optional, bin-links=false).
  const all = ["--include=dev", "--include=optional", "--include=peer", "--bin-links"];
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  run("npm", ["ci", ...all, "--prefer-offline", `--fetch-retries=${fetchRetries}`, ...quiet]);
  if (!existsSync(node)) {
    const command = `npm run ${process.env.npm_lifecycle_event ?? "start"} --ignore-scripts=false`;
    console.error(
      `wirebook: npm runs no install scripts (ignore-scripts), and one brings the Node that Wirebook needs; type once: ${command}`,
    );
    process.exit(1);
  }
  stampPackages();
}

/**
 * Leaves the stamp of the packages that are installed, unless some are missing: Vite is a development package, and needs an
 * optional one. npm runs it behind an installation of anybody's, too (`postinstall`).
 */
export function stampPackages() {
  const words = ["--input-type=module", "--eval", "await import('vite')"];
  const { status } = spawnSync(node, words, { cwd: join(root, "apps", "web"), stdio: "ignore" });
  if (status === 0) writeFileSync(packagesStamp, hashOf(packagesSources));
}

/** Builds the page unless it is built from these very sources. */
export function buildPage() {
  const wanted = hashOf(pageSources);
  if (isStamped(pageStamp, wanted) && existsSync(page)) return;
  say("building the page");
  run("npm", ["run", "--silent", "build", "-w", "@wirebook/web"]);
  mkdirSync(dirname(pageStamp), { recursive: true });
  writeFileSync(pageStamp, wanted);
}

/** Prints a line of progress. */
export function say(sentence) {
  console.log(`wirebook: ${sentence}`);
}

/** Runs a command in the root with the terminal's output, and ends this program when it fails. */
export function run(command, words, env = {}) {
  const { status, error } = spawnSync(command, words, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
    shell: process.platform === "win32",
  });
  if (status === 0) return;
  console.error(`wirebook: \`${command} ${words.join(" ")}\` failed${error ? ` (${error.message})` : ""}`);
  process.exit(status ?? 1);
}

function isStamped(stamp, wanted) {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths.flatMap(filesUnder)) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  return hash.digest("hex");
}

function filesUnder(path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path))
    .filter((name) => !notSources.has(name))
    .toSorted()
    .flatMap((name) => filesUnder(`${path}/${name}`));
}
