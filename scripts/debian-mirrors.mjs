/**
 * The mirrors of Debian that the machine's own apt is set up with, as sources for Debian's next release: what each says of keys
 * and trust stays with it. Without a word about a key, apt goes by those that it trusts for all.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const kept = ["Signed-By", "Trusted", "Check-Valid-Until"];
const suiteNames = ["oldstable", "stable", "testing", "unstable", "sid"];

/**
 * Sources in deb822 form, the likeliest first: others than Debian offer packages for it, too.
 *
 * @param {string} apt its folder, `/etc/apt`
 * @param {string} osRelease the text of `/etc/os-release`
 * @returns {string[]}
 */
export function findMirrors(apt, osRelease) {
  if (!/^ID="?debian"?$/m.test(osRelease)) return [];
  const [, codename = "sid"] = /^VERSION_CODENAME="?([\w-]+)/m.exec(osRelease) ?? [];
  const suites = new Set([codename, ...suiteNames]);
  const mirrors = readSources(apt)
    .filter((fields) => words(fields, "types").includes("deb") && words(fields, "enabled")[0] !== "no")
    .filter((fields) => words(fields, "components").includes("main"))
    .filter((fields) => words(fields, "suites").some((suite) => suites.has(suite)))
    .flatMap((fields) => words(fields, "uris").map((uri) => ({ uri, fields })))
    .filter(({ uri }) => !uri.startsWith("cdrom:"));
  return mirrors.toSorted((one, other) => Number(isDebian(other)) - Number(isDebian(one))).map(describe);
}

function isDebian({ uri }) {
  return /\bdebian\/?$/.test(uri);
}

function describe({ uri, fields }) {
  const more = kept.filter((name) => fields.has(name.toLowerCase()));
  return [
    `Types: deb\nURIs: ${uri}\nSuites: trixie\nComponents: main\n`,
    ...more.map((name) => `${name}:${fields.get(name.toLowerCase())}\n`),
  ].join("");
}

/** Each source as the fields of its deb822 form, their names in small letters. */
function readSources(apt) {
  const parts = join(apt, "sources.list.d");
  const names = existsSync(parts) ? readdirSync(parts).toSorted() : [];
  const paths = [join(apt, "sources.list"), ...names.map((name) => join(parts, name))];
  return paths.flatMap((path) => {
    if (!/\.(?:list|sources)$/.test(path) || !existsSync(path)) return [];
    const text = readFileSync(path, "utf8");
    return path.endsWith(".list") ? text.split("\n").map(fieldsOfLine) : text.split(/\n[ \t]*\n/).map(fieldsOfStanza);
  });
}

/** Fields, each of which may go on in lines that begin with white space. */
function fieldsOfStanza(text) {
  const fields = text.replaceAll(/^#.*\n?/gm, "").matchAll(/^([\w-]+):((?:.*\n?)(?:[ \t].*\n?)*)/gm);
  return new Map([...fields].map(([, name, value]) => [name.toLowerCase(), value.trimEnd()]));
}

/** `deb [signed-by=FILE] URI SUITE COMPONENT…` */
function fieldsOfLine(line) {
  const [, options = "", uris, suites, components] =
    /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line) ?? [];
  if (uris === undefined) return new Map();
  const given = [...options.matchAll(/([\w-]+)=(\S+)/g)].map(([, name, value]) => [name.toLowerCase(), ` ${value}`]);
  return new Map([["types", "deb"], ["uris", uris], ["suites", suites], ["components", components], ...given]);
}

function words(fields, name) {
  return (fields.get(name) ?? "").trim().split(/\s+/);
}
