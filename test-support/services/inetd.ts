/**
 * Services that inetd starts for each connection. Its children get no environment, so they find their libraries only where the
 * packages lie over /usr.
 */

import { writeFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { openssl } from "../certificate.ts";
import { openFolder, startOverUsr } from "./debian.ts";

export interface InetdService extends AsyncDisposable {
  readonly port: number;
}

/** What `startGopher` needs of the machine: inetd becomes an unprivileged user. */
export const gopherNeeds = ["inetd", "gophernicus", "root", "right to mount over /usr"];

/** Gophernicus over a folder with one file, `hello.txt`. */
export async function startGopher(text: string): Promise<InetdService> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder("gopher"));
  const served = `${path}/served`;
  await mkdir(served);
  for (const folder of [path, served]) await chmod(folder, 0o755);
  await writeFile(`${served}/hello.txt`, `${text}\n`);
  const args = configureInetd(path, `nobody /usr/sbin/gophernicus gophernicus -h localhost -r ${served}`);
  const { port } = made.use(await startOverUsr("inetd", args));
  const held = made.move();
  return { port, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** A telnet server with the system's `login`, and a user who is known there alone and has a shell. */
export interface Telnet extends InetdService {
  readonly user: string;
  readonly password: string;
}

/** What `startTelnet` needs of the machine: `login` wants root, and the user is no one of the system's. */
export const telnetNeeds = ["inetd", "telnetd", "openssl", "root", "right to mount over /usr"];

/** Starts Debian's inetutils-telnetd. */
export async function startTelnet(): Promise<Telnet> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder("telnet"));
  const [user, password] = ["brick", "secret"];
  const nobody = 65534;
  const { stdout: hash } = await openssl("passwd", "-6", password);
  const root = "root:x:0:0:root:/:/bin/sh\n";
  const files = {
    "/etc/passwd": `${root}${user}:x:${nobody}:${nobody}::/:/bin/sh\n`,
    "/etc/shadow": `root:*:1::::::\n${user}:${hash.trim()}:1::::::\n`,
    "/etc/pam.d/login": "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n",
  };
  const replacements: Record<string, string> = {};
  for (const [name, content] of Object.entries(files)) {
    await writeFile((replacements[name] = `${path}/${basename(name)}`), content);
  }
  // Where logins are recorded, and systemd listens.
  for (const name of ["/run", "/var/log"]) await mkdir((replacements[name] = `${path}/${basename(name)}`));
  const args = configureInetd(path, "root /usr/sbin/telnetd telnetd");
  const { port } = made.use(await startOverUsr("inetd", args, { replacements }));
  const held = made.move();
  return { port, user, password, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** The arguments of inetd, which starts the command as that user for each connection and gives it the connection. */
function configureInetd(folder: string, userAndCommand: string): (port: number) => readonly string[] {
  return (port) => {
    const config = `${folder}/inetd.conf`;
    writeFileSync(config, `127.0.0.1:${port} stream tcp nowait ${userAndCommand}\n`);
    return ["-i", config];
  };
}

const [iac, dont, doIt, wont, will] = [255, 254, 253, 252, 251];

/** Latin-1 without options of telnet (RFC 854), which may come in one read with a prompt, before or behind it. */
export function withoutTelnetOptions(text: string): string {
  return text.replaceAll(/\u00ff[\u00fb-\u00fe][^]/g, "");
}

/**
 * What a plain terminal answers to options of telnet that are offered or asked for: no to each. The function that is
 * returned takes each read in turn, wherever they are cut.
 */
export function refuseTelnetOptions(): (bytes: Uint8Array) => Buffer {
  let rest: readonly number[] = [];
  return (bytes) => {
    const all = [...rest, ...bytes];
    const answers: number[] = [];
    let at = 0;
    for (; at < all.length; at++) {
      if (all[at] !== iac) continue;
      const [verb, option] = [all[at + 1], all[at + 2]];
      const isOption = verb === doIt || verb === will || verb === wont || verb === dont;
      if (verb === undefined || (isOption && option === undefined)) break;
      if (verb === doIt) answers.push(iac, wont, option as number);
      if (verb === will) answers.push(iac, dont, option as number);
      at += isOption ? 2 : 1;
    }
    rest = all.slice(at);
    return Buffer.from(answers);
  };
}
