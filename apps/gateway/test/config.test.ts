import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { targetsMax } from "@wirebook/protocol";
import { Certificates } from "../../../test-support/certificate.ts";
import { readConfig, table } from "../src/config.ts";

const read = (argv: string[], env: Record<string, string> = {}) => readConfig({ argv, env });

test("listens on loopback and speaks to loopback unless told otherwise", () => {
  const config = read([]);
  expect(config).toMatchObject({
    host: "127.0.0.1",
    port: 8007,
    connections: 256,
    targets: [{ name: "wirebook", address: { transport: "tcp", host: "127.0.0.1", port: 5007 } }],
    listens: [],
    allow: [],
    watchMemory: 64,
    relay: false,
    lessons: false,
    auth: undefined,
    origin: [],
  });
  expect(existsSync(dirname(String(config?.page)))).toBe(true);
  expect(Object.isFrozen(config)).toBe(true);
});

test("reads options, and the environment where there is no option", () => {
  const words =
    "--host ::1 --port 0 --server [::1]:79 --connections 1 --origin http://a.example --origin https://b.example:8443 " +
    "--auth none";
  expect(read(words.split(" "), { WIREBOOK_GATEWAY_PORT: "9" })).toMatchObject({
    host: "::1",
    port: 0,
    targets: [{ name: "wirebook", address: { host: "::1", port: 79 } }],
    connections: 1,
    origin: ["http://a.example", "https://b.example:8443"],
  });
  const env = {
    WIREBOOK_GATEWAY_HOST: "0.0.0.0",
    WIREBOOK_GATEWAY_PORT: "80",
    WIREBOOK_SERVER: "history.example:5007",
    WIREBOOK_CONNECTIONS: "2",
    WIREBOOK_ORIGIN: "http://a.example, https://b.example",
    WIREBOOK_PROXY_PROTOCOL: "1",
    WIREBOOK_GATEWAY_TRUST_PROXY: "127.0.0.1, ::1",
    WIREBOOK_METRICS_FROM: "192.0.2.7, 2001:DB8:0::7",
    WIREBOOK_TLS_CERT: "/etc/wirebook.crt",
    WIREBOOK_TLS_KEY: "/etc/wirebook.key",
    WIREBOOK_PAGE: "/srv/page",
    WIREBOOK_TARGETS: "mail=tcp://mail.example:25,web=tls://web.example:443?alpn=a%2Cb",
    WIREBOOK_RELAY: "1",
    WIREBOOK_LESSONS: "no",
    WIREBOOK_LISTEN: "127.0.0.2:5008=mail",
    WIREBOOK_ALLOW: "192.0.2.0/24, ::1",
    WIREBOOK_WATCH_MEMORY: "4096",
    WIREBOOK_AUTH: "header:X-Remote-User",
    WIREBOOK_ROLES: "ada=operator, *=user",
  };
  const address = { transport: "tcp", host: "history.example", port: 5007 };
  expect(read([], env)).toEqual({
    host: "0.0.0.0",
    port: 80,
    targets: [
      { name: "wirebook", address, proxy: "v2" },
      { name: "mail", address: { transport: "tcp", host: "mail.example", port: 25 } },
      { name: "web", address: { transport: "tls", host: "web.example", port: 443, alpn: "a,b" } },
    ],
    listens: [
      {
        host: "127.0.0.2",
        port: 5008,
        target: { name: "mail", address: { transport: "tcp", host: "mail.example", port: 25 } },
      },
    ],
    allow: [
      { address: "192.0.2.0", bits: 24 },
      { address: "::1", bits: 128 },
    ],
    watchMemory: 4096,
    relay: true,
    lessons: false,
    auth: { method: "header", name: "X-Remote-User" },
    roles: new Map([
      ["ada", "operator"],
      ["*", "user"],
    ]),
    sessionKey: undefined,
    connections: 2,
    origin: ["http://a.example", "https://b.example"],
    trustProxy: ["127.0.0.1", "::1"],
    metricsFrom: ["192.0.2.7", "2001:db8::7"],
    tls: { certPath: "/etc/wirebook.crt", keyPath: "/etc/wirebook.key" },
    page: "/srv/page",
    nameOf: expect.any(Function) as unknown,
  });
});

test("reads ports to listen on, and who may connect there", () => {
  const words = [
    "--listen",
    "5008=wirebook",
    "--listen",
    "[::]:5009=db",
    "--allow",
    "192.0.2.0/24",
    "--allow",
    "2001:db8::7",
  ];
  const config = readConfig({
    argv: [...words, "--target", "db=unix:/run/db", "--auth", "none", "--server=[::1]:5007"],
    env: {},
  });
  expect(config?.listens).toMatchObject([
    { host: "127.0.0.1", port: 5008, target: { name: "wirebook" } },
    { host: "::", port: 5009, target: { name: "db" } },
  ]);
  expect(read(["--listen", "5008?=wirebook"])?.listens).toMatchObject([{ port: 5008, isOptional: true }]);
  expect(read(["--listen", "none"])?.listens).toEqual([]);
});

test("lists a Wirebook server first, however it is named", () => {
  const argv = ["--target", "redis=tcp://127.0.0.1:6379", "--target", "wirebook=tls://log.example:5007"];
  const names = readConfig({ argv, env: {} })?.targets.map(({ name }) => name);
  expect(names).toEqual(["wirebook", "redis"]);
});

test("refuses what cannot be meant, and says what to type", () => {
  const wrong: [words: string[], sentence: string][] = [
    [["--server", "5007"], "type HOST:PORT, such as"],
    [["--server", "127.0.0.1:0"], "type HOST:PORT, such as"],
    [["--server", "127.0.0.1:65536"], "type HOST:PORT, such as"],
    [["--server", "[nonsense]:5007"], "type HOST:PORT, such as"],
    [["--server", "user@host:5007"], "type HOST:PORT, such as"],
    [["--connections", "0"], "a number from 1"],
    [["--connections", "16385"], "a number from 1"],
    [["--port", "65536"], "a port from 0"],
    [["--origin", "*"], "type ORIGIN, such as https://wirebook.example"],
    [["--origin", "wirebook.example"], "type ORIGIN, such as https://wirebook.example"],
    [["--origin", "https://wirebook.example/"], "type ORIGIN, such as https://wirebook.example"],
    [["--origin", "https://wirebook.example:443"], "type ORIGIN, such as https://wirebook.example"],
    [["--origin", "ws://wirebook.example"], "type ORIGIN, such as https://wirebook.example"],
    [["--origin", "null"], "type ORIGIN, such as https://wirebook.example"],
    [["--tls-cert", "a.crt"], "its private key is missing; type --tls-key FILE"],
    [["--tls-key", "a.key"], "its certificate is missing; type --tls-cert FILE"],
    [["--metrics-from", "prometheus"], "type ADDRESS, such as"],
    [["--host", "192.0.2.7", "--tls-cert", "a", "--tls-key", "b"], "such as https://wirebook.example:8007"],
    [["--trust-proxy", "localhost"], "type ADDRESS, such as"],
    [["--trust-proxy", "10.0.0.0/8"], "type ADDRESS, such as"],
    [["--host", ""], "type HOST, such as"],
    [["--nonsense"], "--help"],
    [["word"], '"word" is not an option; see --help'],
    [["--host", "192.0.2.7"], "such as http://wirebook.example:8007"],
    [["--watch-memory", "0"], "a number from 1 to 4096"],
    [["--watch-memory", "4097"], "a number from 1 to 4096"],
    [["--allow", "192.0.2.0/24"], "--allow is for the ports of --listen, which is missing"],
    [["--listen", "5008=wirebook", "--allow", "192.0.2.0/33"], "type CIDR, such as 192.0.2.0/24"],
    [["--listen", "5008=wirebook", "--allow", "2001:db8::/129"], "type CIDR"],
    [["--listen", "5008=wirebook", "--allow", "localhost"], "type CIDR"],
    [["--listen", "5008"], '--listen is "5008"; type [HOST:]PORT=NAME'],
    [["--listen", "65536=wirebook"], "with a port from 0 to 65535"],
    [["--listen", `${"5".repeat(60)}=wirebook`], `--listen is "${"5".repeat(40)}"; type`],
    [["--listen", "5008=mail"], '--listen is "5008=mail"; type [HOST:]PORT=NAME'],
    [["--listen", "5008=wirebook?proxy=v1"], "and the name of a target; there is wirebook"],
    [["--listen", "0.0.0.0:5008=wirebook"], "through --listen 0.0.0.0:5008 other machines would reach"],
    [["--listen", "[::]:5008=wirebook"], "through --listen [::]:5008 other machines would reach"],
    [["--server", "192.0.2.7:5007", "--listen", "5008=wirebook"], "would reach wirebook (tcp, 192.0.2.7:5007)"],
    [["--target", "db=unix:/run/db", "--auth", "none", "--listen", "5008=db"], "such as 127.0.0.0/8"],
    [["--target", "db=tls://127.0.0.1:5432", "--listen", "5008=db"], "would reach db (tls, 127.0.0.1:5432)"],
    [
      Array.from({ length: 65 }, (_, at) => `--listen=${5100 + at}=wirebook`),
      "65 ports of --listen are over the limit",
    ],
  ];
  for (const [words, sentence] of wrong) expect(() => read(words)).toThrow(sentence);
});

const mail = ["--target", "mail=tcp://mail.example:25"];
const local = ["--target", "local=unix:/run/local.sock"];

const namesOf = (words: string[]) => read(words)?.targets.map(({ name }) => name);

test("has the Wirebook server as a target where it is named, or where there is no other", () => {
  expect(namesOf([])).toEqual(["wirebook"]);
  expect(namesOf(mail)).toEqual(["mail"]);
  expect(namesOf([...mail, "--server", "127.0.0.1:5007"])).toEqual(["wirebook", "mail"]);
  expect(namesOf([...mail, "--target", "other=tcp://[::1]:1"])).toEqual(["mail", "other"]);
});

test.each<[words: string[], sentence: string]>([
  [["--target", "tcp://mail.example:25"], "has no name; type NAME=URL"],
  [["--target", "Mail=tcp://mail.example:25"], `"Mail" is not a target's name`],
  [["--target=-mail=tcp://mail.example:25"], `"-mail" is not a target's name`],
  [["--target", `${"m".repeat(33)}=tcp://mail.example:25`], "is not a target's name; type up to 32"],
  [["--target", "mail=mail.example:25"], "is not an address; type tcp://host:port"],
  [["--target", "mail=http://mail.example:25"], "is not an address; type tcp://host:port"],
  [["--target", "mail=tcp://mail.example"], "is not an address; type tcp://host:port"],
  [["--target", "mail=tcp://mail.example:0"], "is not an address; type tcp://host:port"],
  [["--target", "mail=tcp://mail.example:25/inbox"], "is not an address; type tcp://host:port"],
  [["--target", "mail=tcp://brick:secret@mail.example:25"], '"tcp://\u2026@mail.example:25" is not an address'],
  [["--target", "mail=tcp://mail.example:25?ca=/x"], '"ca=/x" is no parameter of tcp'],
  [["--target", "mail=tls://mail.example:993?insecure=1"], '"insecure=1" is no parameter of tls'],
  [["--target", "mail=tls://mail.example:993?ca=/nowhere.pem"], "/nowhere.pem cannot be read (ENOENT)"],
  [["--target", "mail=tls://mail.example:993?cert=/nowhere.pem"], "needs cert=FILE and key=FILE"],
  [["--target", "local=unix:relative"], '"unix:relative" is not an address'],
  [[...mail, ...mail], "the name mail is that of another --target"],
  [
    ["--server", "127.0.0.1:1", "--target", "wirebook=tcp://127.0.0.1:2"],
    "the name wirebook is that of another --target, --server",
  ],
  [[...mail, "--proxy-protocol"], "--proxy-protocol concerns --server, which is missing; type ?proxy=v2"],
  [local, "the gateway's right to its Unix socket at the target local; type --auth basic:FILE so that people log in"],
  [[...mail, "--host", "192.0.2.7", "--origin", "http://192.0.2.7:8007"], "--host 192.0.2.7 lets other machines in"],
  [[...mail, "--origin", "https://wirebook.example"], "--origin https://wirebook.example lets other machines in"],
  [[...mail, "--trust-proxy", "127.0.0.1"], "--trust-proxy 127.0.0.1 lets other machines in"],
])("refuses %j and says what to type", (words, sentence) => {
  expect(problemOf(words)).toContain(sentence);
});

test("says whether the option or the variable names a wrong target", () => {
  expect(() => read(["--target", "foo"])).toThrow('--target: "foo" has no name; type NAME=URL');
  expect(() => read([], { WIREBOOK_TARGETS: "foo" })).toThrow('WIREBOOK_TARGETS: "foo" has no name; type NAME=URL');
});

const hostAndOrigin = { WIREBOOK_GATEWAY_HOST: "192.0.2.7", WIREBOOK_ORIGIN: "http://192.0.2.7:8007" };

test.each<[env: Record<string, string>, sentence: string]>([
  [{ WIREBOOK_LISTEN: "foo" }, 'WIREBOOK_LISTEN is "foo"; type [HOST:]PORT=NAME with a port from 0 to 65535'],
  [{ WIREBOOK_LISTEN: "0.0.0.0:5008=wirebook" }, "through WIREBOOK_LISTEN=0.0.0.0:5008 other machines would reach"],
  [{ WIREBOOK_ALLOW: "192.0.2.0/24" }, "WIREBOOK_ALLOW is for the ports of --listen, which is missing"],
  [{ WIREBOOK_ROLES: "ada" }, 'WIREBOOK_ROLES is "ada"; type NAME=ROLE'],
  [
    { WIREBOOK_ROLES: "ada=user" },
    "WIREBOOK_ROLES is for people who authenticate; type --auth basic:FILE, or leave out W",
  ],
  [{ WIREBOOK_SESSION_KEY: "k" }, "WIREBOOK_SESSION_KEY signs the cookie of --auth basic:FILE, which is missing"],
  [{ WIREBOOK_AUTH: "header:X-User" }, "WIREBOOK_AUTH=header believes a reverse proxy alone"],
  [{ WIREBOOK_TLS_KEY: "a.key" }, "WIREBOOK_TLS_KEY is a.key, and its certificate is missing; type --tls-cert FILE"],
  [{ WIREBOOK_GATEWAY_HOST: "192.0.2.7" }, "WIREBOOK_GATEWAY_HOST=192.0.2.7 may be reachable from other machines"],
  [hostAndOrigin, "WIREBOOK_GATEWAY_HOST=192.0.2.7 lets other machines in"],
  [{ WIREBOOK_GATEWAY_TRUST_PROXY: "192.0.2.1" }, "WIREBOOK_GATEWAY_TRUST_PROXY=192.0.2.1 lets other machines in"],
  [{ WIREBOOK_SERVER: "127.0.0.1:99999" }, 'WIREBOOK_SERVER is "127.0.0.1:99999"; type HOST:PORT, such as'],
  [{ WIREBOOK_TARGETS: "m=tcp://127.0.0.1:99999" }, "WIREBOOK_TARGETS: target m: "],
  [{ WIREBOOK_PROXY_PROTOCOL: "yes", WIREBOOK_TARGETS: "m=tcp://127.0.0.1:25" }, "WIREBOOK_PROXY_PROTOCOL concerns"],
])("names the variable that is wrong: %j", (env, sentence) => {
  expect(() => read([], env)).toThrow(sentence);
});

test("says which ports an address may have", () => {
  for (const words of [
    ["--server", "127.0.0.1:99999"],
    ["--target", "m=tcp://127.0.0.1:99999"],
  ])
    expect(problemOf(words)).toContain("a port from 1 to 65535");
});

test("cuts what it repeats at 40 characters, and repeats no password", () => {
  expect(problemOf(["--target", `mail=${"x".repeat(5000)}`]).length).toBeLessThan(300);
  expect(problemOf(["--target", "mail=tcp://brick:secret@mail.example:25"])).not.toContain("secret");
});

test("takes as many targets as its limit, and not one more", () => {
  const words = Array.from({ length: targetsMax + 1 }, (_, at) => `--target=t${at}=tcp://[::1]:1`);
  expect(read(words.slice(1))?.targets).toHaveLength(targetsMax);
  expect(problemOf(words)).toContain("65 targets are over the limit of 64");
});

test("lends its rights, and lets others in, where --auth none says so", async () => {
  await using certificates = await Certificates.open();
  const { certPath, keyPath } = await certificates.make("client");
  const certified = ["--target", `safe=tls://safe.example:1?cert=${certPath}&key=${keyPath}`];
  expect(problemOf(certified)).toContain("the gateway's client certificate at the target safe; type --auth basic:FILE");
  for (const words of [local, certified, [...mail, "--trust-proxy", "127.0.0.1"]])
    expect(read([...words, "--auth", "none"])).toMatchObject({ auth: { method: "none" } });
  // On this machine alone, plain targets need no word.
  for (const words of [mail, [...mail, "--host", "::1", "--origin", "http://localhost:3000"]]) {
    expect(problemOf(words)).toBe("");
  }
});

const all = ["--role", "*=user"];

test.each<[words: string[], sentence: string]>([
  [["--origin", "https://wirebook.example"], "--origin https://wirebook.example lets other machines in"],
  [["--trust-proxy", "127.0.0.1"], "--trust-proxy 127.0.0.1 lets other machines in"],
  [["--host", "192.0.2.7", "--origin", "http://192.0.2.7:8007"], "--host 192.0.2.7 lets other machines in"],
  [["--auth", "basic"], "type none, basic:FILE, header:NAME or client-cert:CA-FILE"],
  [["--auth", "basic:"], "type none, basic:FILE"],
  [["--auth", "none:x"], "type none, basic:FILE"],
  [["--auth", "digest:users"], "type none, basic:FILE"],
  [["--auth", "header:X Y"], "type none, basic:FILE"],
  [["--auth", "header:X-Remote-User"], "believes a reverse proxy alone; type --trust-proxy and the address"],
  [["--auth", "client-cert:ca.pem"], "needs the gateway's own TLS; type --tls-cert FILE"],
  [all, "--role is for people who authenticate; type --auth basic:FILE"],
  [["--auth", "none", ...all], "--role is for people who authenticate"],
  [["--auth", "none", "--session-key", "k"], "--session-key signs the cookie of --auth basic:FILE, which is missing"],
  [["--auth", "basic:users", "--role", "ada"], "such as ada=user"],
  [["--auth", "basic:users", "--role", "ada=admin"], "type NAME=ROLE with one of viewer, user, operator"],
  [["--auth", "basic:users", "--role", "=user"], "type NAME=ROLE"],
  [["--auth", "basic:users", "--role", `${"a".repeat(65)}=user`], `--role is "${"a".repeat(40)}"; type NAME=ROLE`],
  [
    ["--auth", "basic:users", ...all, ...all],
    `--role is "*=user"; type NAME=ROLE with one of viewer, user, operator, once for each name`,
  ],
])("refuses %j, since it says nothing or too much of who may come in", (words, sentence) => {
  expect(problemOf(words)).toContain(sentence);
});

test("lets other machines in with each way to authenticate", async () => {
  const tls = ["--tls-cert", "a.crt", "--tls-key", "a.key"];
  const others = ["--origin", "https://wirebook.example", "--trust-proxy", "127.0.0.1"];
  for (const [words, auth] of [
    [["basic:a:b"], { method: "basic", path: "a:b" }],
    [["header:Remote-User"], { method: "header", name: "Remote-User" }],
    [["client-cert:ca.pem", ...tls], { method: "client-cert", caPath: "ca.pem" }],
  ] as const) {
    const config = read([...others, ...all, "--auth", ...words]);
    expect(config).toMatchObject({ auth, roles: new Map([["*", "user"]]) });
  }
});

test.each<[words: string[], notices: string[]]>([
  [[], ["without a --role everybody may only look"]],
  [["--role", "ada=viewer"], ["without a --role everybody may only look"]],
  [all, []],
  [[...all, "--origin", "http://localhost:1"], []],
  [[...all, "--origin", "https://wirebook.example"], []],
  [[...all, "--origin", "http://wirebook.example"], ["passwords for http://wirebook.example travel unencrypted"]],
])("says what is allowed and probably not meant: %j", (words, notices) => {
  const said: string[] = [];
  const argv = ["--auth", "basic:users", ...words];
  readConfig({ argv, env: {}, onNotice: (sentence) => void said.push(sentence) });
  expect(said).toEqual(notices.map((notice) => expect.stringContaining(notice)));
});

test("asks for no origin on any name of loopback", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "::1%lo", "localhost"])
    expect(read(["--host", host])?.host).toBe(host);
  expect(read(["--host", "[::1]"])?.host).toBe("::1");
  for (const host of ["127.evil.example", "::", "[::]", "0.0.0.0"])
    expect(() => read(["--host", host])).toThrow("--origin");
});

test.each(["--host 192.0.2.7", "--host 192.0.2.7 --port 80", "--host :: --port 0"])(
  "takes the advice that it gives for %s",
  (line) => {
    const words = line.split(" ");
    const [, advice = ""] = /such as (.*), or leave out/.exec(problemOf(words)) ?? [];
    expect(read([...words, "--origin", advice, "--auth", "none"])?.origin).toEqual([advice]);
  },
);

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

test("help says once that an option may be repeated", () => {
  const said = Object.values(table).filter(({ help }) => help.includes("may be repeated"));
  expect(said.length).toBeGreaterThan(5);
  for (const { help } of said) expect(help.split("may be repeated")).toHaveLength(2);
});
