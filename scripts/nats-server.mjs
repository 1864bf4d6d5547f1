/**
 * Finds a nats-server for the tests of the history on NATS, or gets one.
 *
 * Debian 12's is too old: below 2.10.27 it may lose acknowledged messages. Debian's next release has a package that
 * unpacks and runs there, so it is fetched with a list of its own, which leaves the machine's as they are. It names the mirror
 * and the key that the machine's lists name: another mirror may be out of reach.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findMirrors } from "./debian-mirrors.mjs";
import { unpackPackages } from "./private-apt.mjs";

const folder = fileURLToPath(new URL("../.wirebook/nats", import.meta.url));
const unpacked = join(folder, "unpacked", "usr", "sbin", "nats-server");

/** The oldest version that is trusted; `natsVersionLeast` of the engine says the same. */
const versionLeast = [2, 10, 27];

/** What is said where there is none. */
export const natsServerMissing = `there is no nats-server ${versionLeast.join(".")} or newer; name one in WIREBOOK_NATS_SERVER`;

/** The path of a nats-server that is new enough; `undefined` when there is none. */
export function findNatsServer() {
  const named = process.env.WIREBOOK_NATS_SERVER;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = [named, unpacked, ...folders.map((each) => join(each, "nats-server")), "/usr/sbin/nats-server"];
  return places.find((path) => path !== undefined && existsSync(path) && isNewEnough(path));
}

/** Fetches one from Debian's next release, where apt is; returns its path, `undefined` when that did not work. */
export function fetchNatsServer() {
  if (!existsSync("/etc/os-release")) return undefined;
  const mirrors = findMirrors("/etc/apt", readFileSync("/etc/os-release", "utf8"));
  // Alone: the libraries of the next release do not belong beside this one's, and it needs none of them.
  const isFetched = mirrors.some((sources) => unpackPackages(folder, { alone: ["nats-server"], sources }));
  return isFetched ? findNatsServer() : undefined;
}

function isNewEnough(path) {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  const [, ...numbers] = /v?(\d+)\.(\d+)\.(\d+)/.exec(stdout ?? "") ?? [];
  for (const [at, least] of versionLeast.entries()) {
    const difference = Number(numbers[at]) - least;
    if (Number.isNaN(difference) || difference !== 0) return difference > 0;
  }
  return true;
}
