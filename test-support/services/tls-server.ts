/** `openssl s_server` with a certificate in order, and with each that a client must refuse. */

import { Certificates } from "../certificate.ts";
import type { TlsFiles } from "../certificate.ts";
import type { ForeignProgram } from "../foreign-program.ts";
import { startService } from "./debian.ts";

/** What is particular about a server. */
export type TlsVariant =
  | "in order"
  | "expired"
  | "not yet valid"
  | "wrong host"
  | "self-signed"
  | "unknown authority"
  | "wants a client certificate"
  | "other protocol";

/** The protocol of the server that takes part in ALPN, `other protocol`. */
export const serverProtocol = "wirebook-test";

/** What one run of tests needs: an authority, and servers with certificates of it and of others. */
export class TlsServers implements AsyncDisposable {
  /** The certificate of the authority to trust. */
  readonly authorityPath: string;
  /** The certificate of a client that the server accepts, and the key. */
  readonly client: TlsFiles;
  /** The same for one whose authority the server does not know. */
  readonly stranger: TlsFiles;
  readonly #certificates: Certificates;
  readonly #authority: TlsFiles;
  readonly #other: TlsFiles;

  static async open(): Promise<TlsServers> {
    const certificates = await Certificates.open();
    const [authority, other] = await Promise.all([
      certificates.make("authority"),
      certificates.make("other-authority"),
    ]);
    const client = await certificates.make("client", authority);
    const stranger = await certificates.make("stranger", other);
    return new TlsServers(certificates, { authority, other, client, stranger });
  }

  private constructor(
    certificates: Certificates,
    files: Readonly<Record<"authority" | "other" | "client" | "stranger", TlsFiles>>,
  ) {
    this.#certificates = certificates;
    this.#authority = files.authority;
    this.#other = files.other;
    this.authorityPath = files.authority.certPath;
    this.client = files.client;
    this.stranger = files.stranger;
  }

  /** Starts a server that answers each line with the same line reversed, to one client after the other. */
  async start(variant: TlsVariant): Promise<ForeignProgram> {
    const { certPath, keyPath } = await this.#make(variant);
    const own = ["-cert", certPath, "-key", keyPath, ...this.#options(variant)];
    // -rev: else it passes on its standard input, and ends with it.
    return startService("openssl", (port) => ["s_server", "-rev", "-accept", `127.0.0.1:${port}`, ...own]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#certificates[Symbol.asyncDispose]();
  }

  #make(variant: TlsVariant): Promise<TlsFiles> {
    const name = variant.replaceAll(" ", "-");
    switch (variant) {
      case "expired":
        return this.#certificates.makeValid(name, this.#authority, "20200101000000Z", "20200131000000Z");
      case "not yet valid":
        return this.#certificates.makeValid(name, this.#authority, "20900101000000Z", "20900131000000Z");
      case "wrong host":
        return this.#certificates.make(name, this.#authority, "DNS:elsewhere.example");
      case "self-signed":
        return this.#certificates.make(name);
      case "unknown authority":
        return this.#certificates.make(name, this.#other);
      case "in order":
      case "wants a client certificate":
      case "other protocol":
        return this.#certificates.make(name, this.#authority);
    }
  }

  #options(variant: TlsVariant): readonly string[] {
    if (variant === "other protocol") return ["-alpn", serverProtocol];
    if (variant !== "wants a client certificate") return [];
    return ["-Verify", "1", "-verify_return_error", "-CAfile", this.authorityPath];
  }
}
