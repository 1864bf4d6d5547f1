import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../src/config.ts";

const read = (argv: string[], env: Record<string, string> = {}) => readConfig({ argv, env });

test("listens on loopback and speaks to loopback unless told otherwise", () => {
  const config = read([]);
  expect(config).toMatchObject({
    host: "127.0.0.1",
    port: 8007,
    server: { host: "127.0.0.1", port: 5007 },
    serverConnections: 256,
    origins: [],
  });
  expect(existsSync(dirname(String(config?.page)))).toBe(true);
  expect(Object.isFrozen(config)).toBe(true);
});

test("reads options, and the environment where there is no option", () => {
  const words =
    "--host ::1 --port 0 --server [::1]:79 --server-connections 1 --origin http://a.example --origin https://b.example:8443";
  expect(read(words.split(" "), { WIREBOOK_GATEWAY_PORT: "9" })).toMatchObject({
    host: "::1",
    port: 0,
    server: { host: "::1", port: 79 },
    serverConnections: 1,
    origins: ["http://a.example", "https://b.example:8443"],
  });
  const env = {
    WIREBOOK_GATEWAY_HOST: "0.0.0.0",
    WIREBOOK_GATEWAY_PORT: "80",
    WIREBOOK_SERVER: "history.example:5007",
    WIREBOOK_SERVER_CONNECTIONS: "2",
    WIREBOOK_ORIGIN: "http://a.example, https://b.example",
    WIREBOOK_PROXY_PROTOCOL: "1",
    WIREBOOK_GATEWAY_TRUST_PROXY: "127.0.0.1, ::1",
    WIREBOOK_METRICS_FROM: "192.0.2.7, 2001:DB8:0::7",
    WIREBOOK_TLS_CERT: "/etc/wirebook.crt",
    WIREBOOK_TLS_KEY: "/etc/wirebook.key",
    WIREBOOK_PAGE: "/srv/page",
  };
  expect(read([], env)).toEqual({
    host: "0.0.0.0",
    port: 80,
    server: { host: "history.example", port: 5007 },
    serverConnections: 2,
    origins: ["http://a.example", "https://b.example"],
    proxyProtocol: true,
    trustedProxies: ["127.0.0.1", "::1"],
    metricsFrom: ["192.0.2.7", "2001:db8::7"],
    tls: { certPath: "/etc/wirebook.crt", keyPath: "/etc/wirebook.key" },
    page: "/srv/page",
  });
});

test("refuses what cannot be meant, and says what to type", () => {
  const wrong: [words: string[], sentence: string][] = [
    [["--server", "5007"], "host:port with a port from 1 to 65535, such as"],
    [["--server", "127.0.0.1:0"], "host:port with a port from 1 to 65535, such as"],
    [["--server", "127.0.0.1:65536"], "host:port with a port from 1 to 65535, such as"],
    [["--server", "[nonsense]:5007"], "host:port with a port from 1 to 65535, such as"],
    [["--server", "user@host:5007"], "host:port with a port from 1 to 65535, such as"],
    [["--server-connections", "0"], "a number from 1"],
    [["--server-connections", "16385"], "a number from 1"],
    [["--port", "65536"], "a port from 0"],
    [["--origin", "*"], "without a path"],
    [["--origin", "wirebook.example"], "without a path"],
    [["--origin", "https://wirebook.example/"], "without a path"],
    [["--origin", "https://wirebook.example:443"], "without a path"],
    [["--origin", "ws://wirebook.example"], "without a path"],
    [["--origin", "null"], "without a path"],
    [["--tls-cert", "a.crt"], "its private key is missing; type --tls-key FILE"],
    [["--tls-key", "a.key"], "its certificate is missing; type --tls-cert FILE"],
    [["--metrics-from", "prometheus"], "the IP address"],
    [["--host", "192.0.2.7", "--tls-cert", "a", "--tls-key", "b"], "--origin https://192.0.2.7:8007"],
    [["--trust-proxy", "localhost"], "the IP address"],
    [["--trust-proxy", "10.0.0.0/8"], "the IP address"],
    [["--host", ""], "a host name"],
    [["--nonsense"], "--help"],
    [["word"], '"word" is not an option; see --help'],
    [["--host", "192.0.2.7"], "--origin http://192.0.2.7:8007"],
  ];
  for (const [words, sentence] of wrong) expect(() => read(words)).toThrow(sentence);
});

test("asks for no origin on any name of loopback", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "::1%lo", "localhost"])
    expect(read(["--host", host])?.host).toBe(host);
  expect(read(["--host", "[::1]"])?.host).toBe("::1");
  for (const host of ["127.evil.example", "::", "[::]", "0.0.0.0"])
    expect(() => read(["--host", host])).toThrow("--origin");
});

test.each([
  ["--host ::", `http://${hostname()}:8007`],
  ["--host 0.0.0.0 --port 80 --tls-cert a --tls-key b", `https://${hostname()}:80`],
  ["--host fe80::1%eth0", `http://${hostname()}:8007`],
  ["--host 192.0.2.7 --port 80", "http://192.0.2.7"],
  ["--host 192.0.2.7 --port 0", "http://192.0.2.7:8007"],
  ["--host [2001:DB8:0::7]", "http://[2001:db8::7]:8007"],
])("takes the advice that it gives for %s", (line, origin) => {
  const words = line.split(" ");
  const [, advice = ""] = /such as (.*), or leave out/.exec(problemOf(words)) ?? [];
  expect(advice).toContain(`--origin ${new URL(origin).origin}`);
  expect(read([...words, ...advice.split(" ")])?.origins).toEqual([new URL(origin).origin]);
});

test("ignores what Kubernetes sets for a Service named wirebook-gateway", () => {
  const notices: string[] = [];
  const env = { WIREBOOK_GATEWAY_PORT: "tcp://10.96.0.12:8007" };
  expect(readConfig({ argv: [], env, onNotice: (sentence) => void notices.push(sentence) })?.port).toBe(8007);
  expect(notices).toHaveLength(1);
});

function problemOf(words: readonly string[]): string {
  try {
    read([...words]);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

test("knows that somebody asks for help", () => {
  expect(read(["--help"])).toBeUndefined();
});
