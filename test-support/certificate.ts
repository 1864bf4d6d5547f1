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

  /** Makes a certificate for 127.0.0.1 and localhost that is valid from one day to another, such as `2020-01-31`. */
  async makeDated(name: string, authority: TlsFiles, from: string, until: string): Promise<TlsFiles> {
    const { certPath, keyPath } = this.#paths(name);
    const [request, settings, database] = ["csr", "cnf", "db"].map((ending) => join(this.folder, `${name}.${ending}`));
    const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    await openssl("req", "-new", ...newKey, ...names, "-keyout", keyPath, "-out", `${request}`);
    // Only `openssl ca` takes a date in the past or future before OpenSSL 3.4.
    const section = `database=${database}\nnew_certs_dir=${this.folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n`;
    await writeFile(`${database}`, "");
    await writeFile(`${settings}`, `[s]\n${section}copy_extensions=copy\n[p]\ncommonName=supplied\n`);
    const [start, end] = [from, until].map((day) => `${day.replaceAll("-", "")}000000Z`);
    const dates = ["-startdate", `${start}`, "-enddate", `${end}`];
    const signer = ["-cert", authority.certPath, "-keyfile", authority.keyPath];
    const own = ["-config", `${settings}`, "-name", "s", "-batch", "-notext"];
    await openssl("ca", ...own, ...signer, ...dates, "-in", `${request}`, "-out", certPath);
    return { certPath, keyPath };
  }

  #paths(name: string): TlsFiles {
    return { certPath: join(this.folder, `${name}.crt`), keyPath: join(this.folder, `${name}.key`) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
