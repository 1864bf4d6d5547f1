/** Certificates and keys in PEM form (RFC 7468), read and checked when a program starts. */

import { createPrivateKey, X509Certificate } from "node:crypto";
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

/**
 * Reads a file of certificates.
 *
 * @throws InputError
 */
export function readCertificates(file: NamedFile): Buffer {
  const pem = read(file);
  parseCertificates(file, pem);
  return pem;
}

/**
 * Reads a certificate and its key, and checks that they belong together.
 *
 * @throws InputError
 */
export function readKeyPair(certFile: NamedFile, keyFile: NamedFile): { readonly cert: Buffer; readonly key: Buffer } {
  const [cert, key] = [read(certFile), read(keyFile)];
  const [certName, keyName] = [describe(certFile), describe(keyFile)];
  const [certificate] = parseCertificates(certFile, cert);
  const privateKey = attempt(
    () => createPrivateKey(key),
    `${keyName} has no private key in PEM form without a passphrase; name the file that begins with BEGIN PRIVATE KEY`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new InputError(
      `${keyName} is not the key of the certificate in ${certName}; name two files that belong together`,
    );
  }
  // What TLS itself rejects, such as a key that is too short, is found before the first connection.
  attempt(() => createSecureContext({ cert, key }), `${certName} cannot be used for TLS; create a new one`);
  return { cert, key };
}

/** At least one. TLS itself ignores an authority that is not in PEM form, or is cut off behind others. */
function parseCertificates(file: NamedFile, pem: Buffer): [X509Certificate, ...X509Certificate[]] {
  const block = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?(?:-----END [^-]*-----|$)/gs;
  const blocks = pem.toString("latin1").match(block) ?? [""];
  const sentence = `${describe(file)} has no certificate in PEM form, or a broken one; name the whole file that begins with BEGIN CERTIFICATE`;
  return blocks.map((text) => attempt(() => new X509Certificate(text), sentence)) as ReturnType<
    typeof parseCertificates
  >;
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

function attempt<Result>(work: () => Result, sentence: string): Result {
  try {
    return work();
  } catch (error) {
    throw new InputError(`${sentence} (${(error as Error).message})`, { cause: error });
  }
}
