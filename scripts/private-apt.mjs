/**
 * Debian packages for this checkout alone: fetched by apt and unpacked into a folder, never installed.
 *
 * apt gets lists and a cache of its own, and a copy of the system's list of installed packages: it changes nothing outside of
 * the folder, takes none of the system's locks and needs no root. From the copy it knows which libraries the machine
 * has, and fetches only those that are missing.
 *
 *     FOLDER/unpacked     appears by a rename, so it is complete or absent
 *     FOLDER/fetch-PID    is removed at the end; what a killed process left is removed by the next one
 */

import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const installed = "/var/lib/dpkg/status";

/** How often apt asks for a file again. */
const retries = 5;

/** True where packages can be fetched, also without root. */
export function hasApt() {
  return existsSync("/usr/bin/apt-get") && existsSync(installed);
}

/**
 * Puts the packages that apt knows into `FOLDER/unpacked`, all of them or none; true when they are there and apt knows all
 * that are wanted. Those that are installed are left out.
 *
 * @param {string} folder
 * @param {object} wanted
 * @param {readonly string[]} [wanted.packages] come with each library that the machine lacks
 * @param {readonly string[]} [wanted.alone] come without what they depend on
 * @param {string} [wanted.sources] the text of a `.sources` file in place of the machine's own sources
 * @param {(folder: string) => void} [wanted.finish] called with the unpacked packages before they appear
 */
export function unpackPackages(folder, { packages = [], alone = [], sources, finish }) {
  if (!hasApt()) return false;
  mkdirSync(folder, { recursive: true });
  removeLeftovers(folder);
  const work = join(folder, `fetch-${process.pid}`);
  try {
    const archives = join(work, "cache/archives");
    for (const name of ["lists/partial", "cache/archives/partial", "sources", "tree"]) {
      mkdirSync(join(work, name), { recursive: true });
    }
    copyFileSync(installed, join(work, "status"));
    if (sources !== undefined) writeFileSync(join(work, "sources/debian.sources"), sources);
    writeFileSync(join(work, "apt.conf"), configure(work, sources !== undefined));
    const apt = (...words) => run(archives, "apt-get", ["-c", join(work, "apt.conf"), "-q", ...words]);
    const install = (...words) => apt("install", "-y", "--no-install-recommends", ...words);

    apt("update"); // One source that is out of reach need not matter; a package that is missing does.
    // One package that apt does not know makes it fetch none of the others.
    const isKnown = (name) => install("--simulate", name);
    const known = packages.length === 0 || install("--simulate", ...packages) ? packages : packages.filter(isKnown);
    const knownAlone = alone.filter((name) => apt("download", "--print-uris", name));
    if (known.length + knownAlone.length === 0) return false;
    if (known.length > 0 && !install("--download-only", ...known)) return false;
    if (!knownAlone.every((name) => apt("download", name))) return false;

    const tree = join(work, "tree");
    const names = readdirSync(archives).filter((name) => name.endsWith(".deb"));
    if (!names.every((name) => run(archives, "dpkg", ["-x", name, tree]))) return false;
    mergeUsr(tree);
    finish?.(tree);
    rmSync(join(folder, "unpacked"), { recursive: true, force: true });
    renameSync(tree, join(folder, "unpacked"));
    return known.length === packages.length && knownAlone.length === alone.length;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function removeLeftovers(folder) {
  for (const name of readdirSync(folder)) {
    const [, pid] = /^fetch-(\d+)$/.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      rmSync(join(folder, name), { recursive: true });
    } catch {
      // Best effort: an apt-get that outlived its parent may still write there, and the next fetch tries again.
    }
  }
}

/** What apt reads after the machine's own settings, which may name a proxy. */
function configure(work, hasSources) {
  const options = {
    "Dir::State": work,
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "Dir::Log": work,
    ...(hasSources && { "Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": join(work, "sources") }),
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::Retries": retries,
  };
  // Commands that would concern the system.
  const hooks = ["APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success"];
  return [
    ...Object.entries(options).map(([name, value]) => `${name} "${value}";`),
    ...hooks.map((name) => `#clear ${name};`),
    "",
  ].join("\n");
}

/** Moves what a package has in /lib into /usr/lib, and so on: to the system both are the same. */
function mergeUsr(tree) {
  for (const name of ["bin", "lib", "lib64", "sbin"]) {
    const from = join(tree, name);
    if (lstatSync(from, { throwIfNoEntry: false }) === undefined) continue;
    cpSync(from, join(tree, "usr", name), { recursive: true, verbatimSymlinks: true });
    rmSync(from, { recursive: true });
  }
}

function run(cwd, command, words) {
  return spawnSync(command, words, { cwd, stdio: ["ignore", "ignore", "inherit"] }).status === 0;
}
