/** The link that `wirebook start` prints is one that a browser takes the certificate for. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Certificates } from "../../../test-support/certificate.ts";
import { startGateway } from "../../../test-support/programs.ts";
import { pageLink } from "../src/page-link.ts";

let certificates: Certificates;
beforeAll(async () => {
  certificates = await Certificates.open();
});
afterAll(() => certificates[Symbol.asyncDispose]());

test.each([
  ["IP:127.0.0.1,DNS:localhost", "https://127.0.0.1:8007", false],
  ["DNS:localhost", "https://localhost:8007", false],
  ["DNS:*.example.org,DNS:localhost,DNS:wirebook.example.org", "https://localhost:8007", false],
  ["DNS:*.example.org,DNS:wirebook.example.org,IP:192.0.2.1", "https://wirebook.example.org:8007", true],
  ["DNS:*.example.org", "https://127.0.0.1:8007", false],
])("with a certificate for %s it is %s", async (hosts, url, isForeign) => {
  const { certPath } = await certificates.make("page", undefined, hosts);
  expect(pageLink(certPath, { host: "127.0.0.1", port: 8007 })).toEqual({ url, isForeign });
});

test("without TLS, or with a file that is no certificate, it is the address", () => {
  expect(pageLink(undefined, { host: "127.0.0.1", port: 8007 })).toEqual({
    url: "http://127.0.0.1:8007",
    isForeign: false,
  });
  expect(pageLink("/dev/null", { host: "127.0.0.1", port: 8007 })).toEqual({
    url: "https://127.0.0.1:8007",
    isForeign: false,
  });
});

test("a gateway that was told of no name answers by localhost", async () => {
  const { certPath, keyPath } = await certificates.make("gateway", undefined, "DNS:localhost");
  const options = ["--tls-cert", certPath, "--tls-key", keyPath];
  await using gateway = await startGateway({ server: "127.0.0.1:1", options });
  const { hostname, host } = new URL(pageLink(certPath, gateway).url);
  const ca = await readFile(certPath);
  const where = {
    host: "127.0.0.1",
    port: gateway.port,
    path: "/healthz",
    servername: hostname,
    headers: { host },
    ca,
  };
  const [answer] = (await once(request(where).end(), "response")) as [IncomingMessage];
  answer.resume();
  expect(answer.statusCode).toBe(200);
});
