/**
 * Services of others that the tests start, from Debian packages that are unpacked under `.wirebook` and never installed: whoever
 * types `npm test` as root does not end up with a mail server.
 *
 * `node scripts/debian-programs.mjs` fetches them, as `npm test` does, and does nothing when they are there.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { say } from "./installed.mjs";
import { hasApt, unpackPackages } from "./private-apt.mjs";

const folder = fileURLToPath(new URL("../.wirebook/debian", import.meta.url));
const pythonModules = "usr/lib/python3/dist-packages";

/** Each package with a file that tests use. */
const packages = {
  "redis-server": "usr/bin/redis-server",
  "python3-aiosmtpd": `${pythonModules}/aiosmtpd`,
  "dovecot-imapd": "usr/lib/dovecot/imap",
  memcached: "usr/bin/memcached",
  mosquitto: "usr/sbin/mosquitto",
  websockify: "usr/bin/websockify",
  "python3-websockets": `${pythonModules}/websockets`,
  "inetutils-telnetd": "usr/sbin/telnetd",
  "openbsd-inetd": "usr/sbin/inetd",
  gophernicus: "usr/sbin/gophernicus",
  logrotate: "usr/sbin/logrotate",
  "tigervnc-standalone-server": "usr/bin/Xtigervnc",
  "x11-utils": "usr/bin/xev",
  nginx: "usr/sbin/nginx",
  haproxy: "usr/sbin/haproxy",
  "apache2-bin": "usr/sbin/apache2",
};

/** Packages of which only the files are used. */
const alone = { novnc: "usr/share/novnc/vnc.html" };

/** Where the packages are unpacked, as if it were the root of the file system. */
export const debianTree = join(folder, "unpacked");

/** Written with the packages: they are fetched again for another list or another release. */
const stamp = join(debianTree, "stamp.json");

/** An unpacked openssl looks for them in the system's /etc. */
const opensslSettings = join(debianTree, "etc/ssl/openssl.cnf");

/** The absolute path of a file of Debian, unpacked or installed, such as `usr/sbin/dovecot`; `undefined` where there is none. */
export function findDebianFile(path) {
  return [join(debianTree, path), join("/", path)].find((each) => existsSync(each));
}

/** The absolute path of a program, unpacked or on the search path; `undefined` where there is none. */
export function findProgram(name) {
  const folders = debianEnvironment().PATH.split(delimiter);
  return folders.map((each) => join(each, name)).find((each) => existsSync(each));
}

/** The environment in which the unpacked programs find each other, their libraries and their modules. */
export function debianEnvironment() {
  const { PATH = "", LD_LIBRARY_PATH = "", PYTHONPATH = "" } = process.env;
  const own = libraryFolder();
  const libraries = inTree(own, `${own}/blas`, `${own}/lapack`, "usr/lib/dovecot");
  return {
    ...process.env,
    // A user's search path need not have the programs of administrators.
    PATH: joinPath(...inTree("usr/bin", "usr/sbin"), PATH, "/usr/sbin"),
    LD_LIBRARY_PATH: joinPath(...libraries, LD_LIBRARY_PATH),
    PYTHONPATH: joinPath(...inTree(pythonModules), PYTHONPATH),
    ...(existsSync(opensslSettings) && { OPENSSL_CONF: opensslSettings }),
  };
}

/** Fetches what is missing, and says so; returns the packages that could not be had. */
export function fetchDebianPrograms() {
  const wanted = describeWanted();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && missingPackages().length === 0) return [];
  if (!hasApt()) return missingPackages();
  say(`fetching services for the tests into .wirebook/debian with apt: ${Object.keys(packages).join(", ")}, novnc`);
  unpackPackages(folder, {
    packages: Object.keys(packages),
    alone: Object.keys(alone),
    finish: (tree) => writeFileSync(join(tree, "stamp.json"), wanted),
  });
  return missingPackages();
}

/** Packages of which a file, or a library of its program, is neither unpacked nor installed. */
function missingPackages() {
  return Object.entries({ ...packages, ...alone }).flatMap(([name, file]) => {
    const path = findDebianFile(file);
    if (path === undefined) return [name];
    const { stdout } = spawnSync("ldd", [path], { encoding: "utf8", env: debianEnvironment() });
    return stdout?.includes("not found") ? [name] : [];
  });
}

function describeWanted() {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  return JSON.stringify({ packages, alone, release, architecture: process.arch });
}

/** As Debian names it for this architecture, `usr/lib/x86_64-linux-gnu`. */
function libraryFolder() {
  const architecture = { x64: "x86_64", arm64: "aarch64" }[process.arch] ?? process.arch;
  return `usr/lib/${architecture}-linux-gnu`;
}

function inTree(...paths) {
  return paths.map((path) => join(debianTree, path));
}

function joinPath(...parts) {
  return parts.filter((part) => part !== "").join(delimiter);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = fetchDebianPrograms();
  if (missing.length > 0) say(`apt cannot fetch ${missing.join(", ")}`);
  process.exitCode = missing.length > 0 ? 1 : 0;
}
