/**
 * `npm test`: installs what the tests need and runs every check.
 *
 * Plain JavaScript that runs on Node 20. On Debian as root, Chromium, Firefox, python3, git, openssl, strace, nc and tshark are installed
 * by apt; elsewhere Playwright's own Chromium is used. Services that only tests start are unpacked under `.wirebook`.
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findChromium } from "./chromium.mjs";
import { fetchDebianPrograms } from "./debian-programs.mjs";
import { fetchNatsServer, findNatsServer } from "./nats-server.mjs";
import { installPackages, node, root, run, say } from "./installed.mjs";

const canApt = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");

function has(command) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, command)));
}

function aptInstall(names) {
  say(`installing ${names.join(", ")} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...words) => spawnSync("apt-get", words, { stdio: ["ignore", "ignore", "inherit"], env }).status === 0;
  const install = () => apt("install", "-y", "-q", "--no-install-recommends", ...names);
  return install() || (apt("update", "-q") && install());
}

function installPrograms() {
  const missing = [
    ...(findChromium() ? [] : ["chromium"]),
    ...(has("firefox-esr") || has("firefox") ? [] : ["firefox-esr"]),
    ...["git", "openssl", "python3", "strace", "tshark"].filter((command) => !has(command)),
    // For the commands that the page gives to copy.
    ...(has("nc") ? [] : ["netcat-openbsd"]),
    // For the power cuts among the fault tests.
    ...(has("mkfs.ext4") ? [] : ["e2fsprogs"]),
  ];
  if (canApt && missing.length > 0) aptInstall(missing);
  if (findChromium() === undefined) installPlaywrightChromium();
  if (!has("tshark")) say("tshark is missing: no capture will be read by Wireshark in the tests; install tshark");
  if (findNatsServer() === undefined) {
    say("fetching nats-server from Debian's next release");
    fetchNatsServer();
  }
  if (findNatsServer() === undefined) {
    say(
      "nats-server is missing, or older than 2.10.27: the history on NATS is not tested; WIREBOOK_NATS_SERVER names one",
    );
  }
  const missingServices = fetchDebianPrograms();
  if (missingServices.length > 0) {
    say(`apt cannot fetch ${missingServices.join(", ")}: the tests with these services are skipped, each by its name`);
  }
  if (!has("python3"))
    say("python3 is missing: the pairs with the reference implementation will be skipped; install python3");
}

function installPlaywrightChromium() {
  const words = [join(root, "node_modules", "playwright", "cli.js"), "install", "chromium"];
  if (spawnSync(node, words, { cwd: root, stdio: ["ignore", "inherit", "inherit"] }).status === 0) return;
  console.error(
    "wirebook: there is no Chromium for the end-to-end tests, and it can be installed neither by apt-get nor by Playwright.\n" +
      "Install Chromium with your system's packages and name it: WIREBOOK_CHROMIUM=/path/to/chromium npm test",
  );
  process.exit(1);
}

installPackages();
installPrograms();
run(node, ["scripts/checks.mjs"], { PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH}` });
