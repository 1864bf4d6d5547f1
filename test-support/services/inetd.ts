/** Services that inetd starts for each connection. */

import { writeFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { basename } from "node:path";
import process from "node:process";
import { findProgram } from "../../scripts/debian-programs.mjs";
import { run } from "../run.ts";
import { openFolder, startOverUsr, startService } from "./debian.ts";

export interface InetdService extends AsyncDisposable {
  readonly port: number;
}

/** Gophernicus over a folder with one file, `hello.txt`. */
export async function startGopher(text: string): Promise<InetdService> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder("gopher"));
  const served = `${path}/served`;
  await mkdir(served);
  for (const folder of [path, served]) await chmod(folder, 0o755);
  await writeFile(`${served}/hello.txt`, `${text}\n`);
  const user = process.getuid?.() === 0 ? "nobody" : userInfo().username;
  const command = `${findProgram("gophernicus")} gophernicus -h localhost -r ${served}`;
  const { port } = made.use(await startService("inetd", configureInetd(path, user, command)));
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
  const { stdout: hash } = await run("openssl", ["passwd", "-6", password]);
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
  const args = configureInetd(path, "root", "/usr/sbin/telnetd telnetd");
  const { port } = made.use(await startOverUsr("inetd", args, { replacements }));
  const held = made.move();
  return { port, user, password, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** The arguments of inetd, which starts the command for each connection and gives it the connection. */
function configureInetd(folder: string, user: string, command: string): (port: number) => readonly string[] {
  return (port) => {
    const config = `${folder}/inetd.conf`;
    writeFileSync(config, `127.0.0.1:${port} stream tcp nowait ${user} ${command}\n`);
    return ["-i", config];
  };
}

const [iac, dont, doIt, wont, will] = [255, 254, 253, 252, 251];

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
