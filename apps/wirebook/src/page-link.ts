/** Under which name the page of `wirebook start` is opened: with TLS, one that the certificate is for. */

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { describeHostPort } from "@wirebook/net";
import type { HostPort } from "@wirebook/net";

interface PageLink {
  readonly url: string;
  readonly isForeign: boolean;
}

/**
 * The address of the page; `isForeign` is true when the gateway must be told of it with `--origin`.
 *
 * A gateway on 127.0.0.1 goes by that address and by localhost. Where the certificate is for neither, it is the first host
 * in it, which the operator's DNS or /etc/hosts must lead here. A wildcard is no host.
 *
 * @param certPath `undefined` without TLS
 */
export function pageLink(certPath: string | undefined, { host: address, port }: HostPort): PageLink {
  const link = (scheme: string, host: string): string =>
    new URL(`${scheme}://${describeHostPort({ host, port })}`).origin;
  if (certPath === undefined) return { url: link("http", address), isForeign: false };
  const certificate = readCertificate(certPath);
  if (certificate === undefined || certificate.checkIP(address))
    return { url: link("https", address), isForeign: false };
  if (certificate.checkHost("localhost")) return { url: link("https", "localhost"), isForeign: false };
  const [, host] = /(?:^|, )DNS:([\w.-]+)(?:,|$)/.exec(certificate.subjectAltName ?? "") ?? [];
  return host === undefined
    ? { url: link("https", address), isForeign: false }
    : { url: link("https", host), isForeign: true };
}

/** What is wrong with the file is the gateway's to say. */
function readCertificate(path: string): X509Certificate | undefined {
  try {
    return new X509Certificate(readFileSync(path));
  } catch {
    return undefined;
  }
}
