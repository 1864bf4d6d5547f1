/**
 * The file that an option names for what a program writes. One of the same kind that is there already is replaced, and so
 * is an empty one; a file of another kind is somebody's, and named by mistake.
 */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { SettingsError } from "./settings-error.ts";

/** Bytes at the head of a file from which its kind is known. */
const headBytes = 16;

/** What is written, for the sentences and to know it again. */
export interface OutputKind {
  /** The option that names the file: `--pcap`. */
  readonly option: string;
  /** As it stands before "file": `pcapng`. */
  readonly name: string;
  /** True when a file that begins with these bytes, at most 16, is one. */
  isHead(head: Uint8Array): boolean;
}

/**
 * Opens the file, emptied, for the eyes of its owner. The descriptor is the caller's to close.
 *
 * @throws SettingsError when the file is of another kind, or cannot be written
 */
export function openOutputFile(path: string, kind: OutputKind): number {
  return openAs("w", path, kind);
}

/**
 * Refuses what `openOutputFile` would refuse, and leaves what is there: for a file that is written at the end.
 *
 * @throws SettingsError as `openOutputFile`
 */
export function checkOutputFile(path: string, kind: OutputKind): void {
  closeSync(openAs("a", path, kind));
}

function openAs(flags: "w" | "a", path: string, kind: OutputKind): number {
  const { option, name } = kind;
  if (!mayBeReplaced(path, kind)) {
    throw new SettingsError(`${path} exists and is no ${name} file; name another one with ${option}`);
  }
  return attempt(path, kind, () => openSync(path, flags, 0o600));
}

function mayBeReplaced(path: string, kind: OutputKind): boolean {
  const stat = attempt(path, kind, () => statSync(path, { throwIfNoEntry: false }));
  if (stat === undefined || stat.isFIFO() || stat.isCharacterDevice()) return true;
  return stat.isFile() && (stat.size === 0 || kind.isHead(attempt(path, kind, () => headOf(path))));
}

function headOf(path: string): Uint8Array {
  const head = new Uint8Array(headBytes);
  const descriptor = openSync(path, "r");
  try {
    return head.subarray(0, readSync(descriptor, head));
  } finally {
    closeSync(descriptor);
  }
}

function attempt<Value>(path: string, { option }: OutputKind, act: () => Value): Value {
  try {
    return act();
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new SettingsError(`${path} cannot be written (${code}); name another file with ${option}`, { cause: error });
  }
}
