/** Certificates made by openssl, for tests of TLS. */

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { debianEnvironment, findProgram } from "../scripts/debian-programs.mjs";

const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(" ");

/** Where a certificate and its key are. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/** Runs openssl to its end. */
export function openssl(...words: readonly string[]): Promise<{ readonly stdout: string }> {
  return promisify(execFile)(findProgram("openssl") ?? "openssl", words, { env: debianEnvironment() });
}

/** A folder for certificates; it goes when it is disposed of. */
export class Certificates implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Certificates> {
    return new Certificates(await mkdtemp(join(tmpdir(), "wirebook-tls-")));
  }

  /** Makes a certificate, and its key; it signs itself unless an authority does. */
  async make(name: string, authority?: TlsFiles, hosts = "IP:127.0.0.1,DNS:localhost"): Promise<TlsFiles> {
    const { certPath, keyPath } = this.#paths(name);
    const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${hosts}`];
    const signer = authority === undefined ? [] : ["-CA", authority.certPath, "-CAkey", authority.keyPath];
    await openssl("req", "-x509", ...newKey, "-days", "2", ...names, ...signer, "-keyout", keyPath, "-out", certPath);
    return { certPath, keyPath };
  }

  /** Makes a certificate for 127.0.0.1 and localhost that an authority signs for some time, each end as `YYYYMMDDHHMMSSZ`. */
  async makeValid(name: string, authority: TlsFiles, from: string, until: string): Promise<TlsFiles> {
    const { certPath, keyPath } = this.#paths(name);
    const requestPath = join(this.folder, `${name}.csr`);
    const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    await openssl("req", "-new", ...newKey, ...names, "-keyout", keyPath, "-out", requestPath);
    // Before OpenSSL 3.4, only `openssl ca` takes both ends.
    const [configPath, database] = [join(this.folder, `${name}.cnf`), join(this.folder, `${name}.db`)];
    const settings = `database=${database}\nnew_certs_dir=${this.folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n`;
    await writeFile(configPath, `[own]\n${settings}copy_extensions=copy\n[p]\ncommonName=supplied\n`);
    await writeFile(database, "");
    const signer = ["-cert", authority.certPath, "-keyfile", authority.keyPath];
    const own = ["-config", configPath, "-name", "own", "-batch", "-notext"];
    const time = ["-startdate", from, "-enddate", until];
    await openssl("ca", ...own, ...signer, ...time, "-in", requestPath, "-out", certPath);
    return { certPath, keyPath };
  }

  #paths(name: string): TlsFiles {
    return { certPath: join(this.folder, `${name}.crt`), keyPath: join(this.folder, `${name}.key`) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
