/** The certificate and the key of a gateway that serves TLS itself. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { SettingsError } from "@wirebook/settings";

/** Where the operator keeps them. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/** Both as they stand in their files, in PEM form. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads both and checks that they belong together.
 *
 * @throws SettingsError that names the file
 */
export function readTlsPair({ certPath, keyPath }: TlsFiles): TlsPair {
  const cert = read("--tls-cert", certPath);
  const key = read("--tls-key", keyPath);
  const certificate = attempt(
    () => new X509Certificate(cert),
    `--tls-cert ${certPath} has no certificate in PEM form; name the file that begins with BEGIN CERTIFICATE`,
  );
  const privateKey = attempt(
    () => createPrivateKey(key),
    `--tls-key ${keyPath} has no private key in PEM form without a passphrase; name the file that begins with BEGIN PRIVATE KEY`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    const message = `--tls-key ${keyPath} is not the key of the certificate in --tls-cert ${certPath}`;
    throw new SettingsError(`${message}; name two files that belong together`);
  }
  // What TLS itself rejects, such as a key that is too short, is found before the first browser connects.
  attempt(() => createSecureContext({ cert, key }), `--tls-cert ${certPath} cannot be used for TLS; create a new one`);
  return { cert, key };
}

function read(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SettingsError(`${option} ${path} cannot be read (${code ?? message}); name a PEM file`, {
      cause: error,
    });
  }
}

function attempt<Result>(work: () => Result, message: string): Result {
  try {
    return work();
  } catch (error) {
    throw new SettingsError(`${message} (${(error as Error).message})`, { cause: error });
  }
}
