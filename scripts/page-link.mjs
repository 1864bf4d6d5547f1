/** Under which name the page of `npm start` is opened: with TLS, one that the certificate is for. */

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

const address = "127.0.0.1";

/**
 * The address of the page; `isForeign` is true when the gateway must be told of it with `--origin`.
 *
 * A gateway on 127.0.0.1 goes by that address and by localhost. Where the certificate is for neither, it is the first host
 * in it, which the operator's DNS or /etc/hosts must lead here. A wildcard is no host.
 *
 * @param {string} certPath empty without TLS
 * @param {number} port
 */
export function pageLink(certPath, port) {
  const link = (scheme, host) => new URL(`${scheme}://${host}:${port}`).origin;
  if (certPath === "") return { url: link("http", address), isForeign: false };
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
function readCertificate(path) {
  try {
    return new X509Certificate(readFileSync(path));
  } catch {
    return undefined;
  }
}
