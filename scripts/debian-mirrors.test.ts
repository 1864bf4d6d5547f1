/** From where a nats-server is fetched: the mirror and the key that the machine's own apt goes by. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findMirrors } from "./debian-mirrors.mjs";

const debian12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n';

async function mirrorsIn(files: Readonly<Record<string, string>>, osRelease = debian12): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-apt-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return findMirrors(folder, osRelease);
}

const source = (uri: string, ...more: readonly string[]): string =>
  ["Types: deb", `URIs: ${uri}`, "Suites: trixie", "Components: main", ...more, ""].join("\n");

test("a line of sources.list, with its options", async () => {
  const list = `# deb http://commented.example/debian bookworm main
deb cdrom:[Debian 12]/ bookworm main
deb-src http://sources.example/debian bookworm main
deb [ arch=amd64 signed-by=/etc/key.gpg check-valid-until=no ] http://mirror.example/debian/ bookworm main contrib # near
deb http://mirror.example/debian-security bookworm-security main
`;
  expect(await mirrorsIn({ "sources.list": list })).toEqual([
    source("http://mirror.example/debian/", "Signed-By: /etc/key.gpg", "Check-Valid-Until: no"),
  ]);
  expect(await mirrorsIn({ "sources.list": "deb http://mirror.example/debian bookworm main" })).toEqual([
    source("http://mirror.example/debian"),
  ]);
});

test("a stanza of deb822, with its key within it or in a file", async () => {
  const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----";
  const sources = `Types: deb deb-src
# a comment
URIs: http://one.example/debian
  http://two.example/debian
suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://three.example/debian
Suites: stable
Components: main
Signed-By:
 ${key}
`;
  const file = "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg";
  const mirrors = await mirrorsIn({ "sources.list.d/debian.sources": sources });
  expect(mirrors).toEqual([
    source("http://one.example/debian", file),
    source("http://two.example/debian", file),
    source("https://three.example/debian", `Signed-By:\n ${key}`),
  ]);
});

test("a mirror that is called debian goes before what others offer for Debian", async () => {
  const files = {
    "sources.list": "deb http://mirror.example/debian bookworm main",
    "sources.list.d/chrome.list": "deb https://dl.example/linux/chrome/deb/ stable main",
    "sources.list.d/docker.list": "deb https://docker.example/linux/debian bookworm stable",
    "sources.list.d/old.list.save": "deb http://old.example/debian bookworm main",
  };
  const expected = [source("http://mirror.example/debian"), source("https://dl.example/linux/chrome/deb/")];
  expect(await mirrorsIn(files)).toEqual(expected);
});

test("nothing where the system is not Debian, or apt knows no mirror", async () => {
  const list = { "sources.list": "deb http://archive.example/ubuntu noble main" };
  expect(await mirrorsIn(list, "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n")).toEqual([]);
  expect(await mirrorsIn({})).toEqual([]);
});
