/** The certificate and the key by which the gateway speaks TLS. */

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
 * Reads both and looks whether they belong together.
 *
 * @throws SettingsError with a sentence that names the file
 */
export function readTlsPair({ certPath, keyPath }: TlsFiles): TlsPair {
  const cert = read("--tls-cert", certPath);
  const key = read("--tls-key", keyPath);
  const certificate = attempt(
    () => new X509Certificate(cert),
    `--tls-cert ${certPath} holds no certificate in PEM form; type the file that begins with BEGIN CERTIFICATE`,
  );
  const privateKey = attempt(
    () => createPrivateKey(key),
    `--tls-key ${keyPath} holds no private key in PEM form without a passphrase; type the file that begins with BEGIN PRIVATE KEY`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    const sentence = `--tls-key ${keyPath} is not the key of the certificate in --tls-cert ${certPath}`;
    throw new SettingsError(`${sentence}; type the two files that were made together`);
  }
  // What TLS itself does not take, such as a key that is too short, is known before the first browser comes.
  attempt(() => createSecureContext({ cert, key }), `--tls-cert ${certPath} cannot be used for TLS; make a new one`);
  return { cert, key };
}

function read(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SettingsError(`${option} ${path} cannot be read (${code ?? message}); type the path of a PEM file`, {
      cause: error,
    });
  }
}

function attempt<Result>(work: () => Result, sentence: string): Result {
  try {
    return work();
  } catch (error) {
    throw new SettingsError(`${sentence} (${(error as Error).message})`, { cause: error });
  }
}
