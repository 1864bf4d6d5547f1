/** How tests run services from Debian packages that are unpacked and not installed: see scripts/debian-programs.mjs. */

import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { debianEnvironment, debianTree, findDebianFile, findProgram } from "../../scripts/debian-programs.mjs";
import { ForeignProgram } from "../foreign-program.ts";
import type { ForeignOptions } from "../foreign-program.ts";

type Arguments = (port: number) => readonly string[];

/** Starts a program; it is ready when it accepts connections on its port of 127.0.0.1. */
export function startService(program: string, args: Arguments, options: ForeignOptions = {}): Promise<ForeignProgram> {
  return ForeignProgram.start(findProgram(program) ?? program, args, { env: debianEnvironment(), ...options });
}

/** Starts a module of Debian's Python. */
export function startPython(module: string, args: Arguments): Promise<ForeignProgram> {
  return startService(debianPython(), (port) => ["-m", module, ...args(port)]);
}

/** Debian's own Python, for which its modules are made; another may come first on the search path. */
export function debianPython(): string {
  return findDebianFile("usr/bin/python3") ?? "python3";
}

/** Files and folders that a program finds in place of the system's: each path with the one to which it leads. */
type Replacements = Readonly<Record<string, string>>;

/**
 * Starts a program that looks for its parts at fixed places, as dovecot and Xtigervnc do: for it and its children alone, the
 * unpacked packages lie over /usr. Its children end with it, whoever they have become.
 */
export function startOverUsr(
  program: string,
  args: Arguments,
  { replacements = {}, ...options }: ForeignOptions & { readonly replacements?: Replacements } = {},
): Promise<ForeignProgram> {
  const [command, ...words] = overUsr(replacements);
  const own = [...words, program];
  return ForeignProgram.start(command, (port) => [...own, ...args(port)], { env: debianEnvironment(), ...options });
}

/** True when this machine allows what `startOverUsr` needs; in a container it need not. */
export function canMountOverUsr(): boolean {
  const [command, ...words] = overUsr({});
  return spawnSync(command, [...words, "true"], { stdio: "ignore" }).status === 0;
}

/** In namespaces of its own: puts the unpacked packages over /usr, then each replacement, and becomes the program. */
const script = `
if cd "$1" 2>/dev/null; then mount -t overlay -o lowerdir=usr:/usr overlay /usr || exit; fi
cd / && shift
while [ "$1" != -- ]; do mount --bind "$2" "$1" && shift 2 || exit; done
shift
exec "$@"
`;

/** The words in front of a command that runs so. */
function overUsr(replacements: Replacements): readonly [string, ...string[]] {
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const namespaces = [...user, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const mounts = Object.entries(replacements).flat();
  return ["unshare", ...namespaces, "sh", "-c", script, "sh", debianTree, ...mounts, "--"];
}

/** A folder for a service's files. It is removed when it is disposed of. */
export async function openFolder(service: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), `wirebook-${service}-`));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 10 }),
  };
}
