/** Certificates and keys in PEM form (RFC 7468), read and checked when a program starts. */

import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { InputError } from "./errors.ts";

/** A file, and the name of the option or parameter that names it. */
interface NamedFile {
  readonly option: string;
  readonly path: string;
}

/** Bytes of a PEM file; the list of all usual authorities has a quarter of that. */
const pemBytesMax = 1024 * 1024;

/** @throws InputError, also for one broken certificate: TLS itself ignores an authority that is cut off behind others */
export function readCertificates(file: NamedFile): Buffer {
  const pem = read(file);
  const block = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?(?:-----END [^-]*-----|$)/gs;
  const blocks = pem.toString("latin1").match(block) ?? [""];
  attempt(
    () => blocks.map((text) => new X509Certificate(text)),
    `${describe(file)} has no certificate in PEM form, or a broken one; name the whole file that begins with BEGIN CERTIFICATE`,
  );
  return pem;
}

/** @throws InputError, also when the two do not belong together, or cannot be used for TLS */
export function readKeyPair(certFile: NamedFile, keyFile: NamedFile): { readonly cert: Buffer; readonly key: Buffer } {
  const [cert, key] = [readCertificates(certFile), read(keyFile)];
  attempt(
    () => createSecureContext({ cert, key }),
    `${describe(keyFile)} is not the private key, without a passphrase, of ${describe(certFile)}; name two PEM files that belong together`,
  );
  return { cert, key };
}

function read(file: NamedFile): Buffer {
  try {
    // A device or a pipe might never end.
    const stats = statSync(file.path);
    if (!stats.isFile()) throw new Error("it is not a file");
    if (stats.size > pemBytesMax) throw new Error(`${stats.size} bytes are over the limit of ${pemBytesMax}`);
    return readFileSync(file.path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InputError(`${describe(file)} cannot be read (${code ?? message}); name a PEM file`, { cause: error });
  }
}

function describe({ option, path }: NamedFile): string {
  return `${option} ${path}`;
}

function attempt(work: () => unknown, sentence: string): void {
  try {
    work();
  } catch (error) {
    throw new InputError(`${sentence} (${(error as Error).message})`, { cause: error });
  }
}
