/** Certificates made by openssl, for tests of TLS. */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Where a certificate and its key are. */
interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
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
    const certPath = join(this.folder, `${name}.crt`);
    const keyPath = join(this.folder, `${name}.key`);
    const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" ");
    const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${hosts}`];
    const signer = authority === undefined ? [] : ["-CA", authority.certPath, "-CAkey", authority.keyPath];
    await promisify(execFile)("openssl", [...words, ...names, ...signer, "-keyout", keyPath, "-out", certPath]);
    return { certPath, keyPath };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
