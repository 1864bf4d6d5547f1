import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Certificates } from "../../../test-support/certificate.ts";
import { describeTarget, lendsRights, parseTarget, parseTargetUrl, InputError, tcpTarget } from "../src/index.ts";

/** The sentence with which something typed is refused. */
function refusalOf(text: string): string {
  try {
    parseTarget(text);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  }
  return `${text} was taken`;
}

test.each([
  ["tcp://127.0.0.1:6379", { transport: "tcp", host: "127.0.0.1", port: 6379 }],
  ["tcp://[::1]:6379", { transport: "tcp", host: "::1", port: 6379 }],
  ["tcp://Redis_1.Example:65535", { transport: "tcp", host: "redis_1.example", port: 65_535 }],
  ["tls://b\u00fccher.example:993", { transport: "tls", host: "xn--bcher-kva.example", port: 993 }],
  [
    "tls://10.0.0.1:993?servername=imap.example&alpn=imap",
    { transport: "tls", host: "10.0.0.1", port: 993, servername: "imap.example", alpn: "imap" },
  ],
  ["unix:/run/redis/redis.sock", { transport: "unix", path: "/run/redis/redis.sock" }],
  ["unix:///run/redis/redis.sock", { transport: "unix", path: "/run/redis/redis.sock" }],
  ["unix:/run/a%2Cb+c%20%C3%BC%3F%23", { transport: "unix", path: "/run/a,b+c \u00fc?#" }],
  [`unix:/${"x".repeat(106)}`, { transport: "unix", path: `/${"x".repeat(106)}` }],
])("%s is a target", (url, address) => {
  expect(parseTarget(`x-1=${url}`)).toEqual({ name: "x-1", address, proxy: undefined });
  expect(parseTargetUrl(`${url}${url.includes("?") ? "&" : "?"}proxy=v2`)).toEqual({ address, proxy: "v2" });
});

test.each([
  ["", '"" has no name; type NAME=URL, such as mail=tls://imap.example:993'],
  ["tcp://h:1", '"tcp://h:1" has no name; type NAME=URL, such as mail=tls://imap.example:993'],
  ["tls://h:1?ca=f", '"tls://h:1?ca=f" has no name; type NAME=URL, such as mail=tls://imap.example:993'],
  [
    "Mail=tcp://h:1",
    '"Mail" is not a target\'s name; type up to 32 small letters, digits and hyphens, not a hyphen first',
  ],
  ["-m=tcp://h:1", '"-m" is not a target\'s name; type up to 32 small letters, digits and hyphens, not a hyphen first'],
  [
    `${"m".repeat(64)}=tcp://h:1`,
    `"${"m".repeat(40)}\u2026" is not a target's name; type up to 32 small letters, digits and hyphens, not a hyphen first`,
  ],
])("%s is refused for its name", (text, sentence) => {
  expect(refusalOf(text)).toBe(sentence);
});

const notAddresses = `h:1 127.0.0.1 https://h:1 tcp:h:1 tcp:// tcp://:1 tcp://::1:1 tcp://fe80::1:1 tcp://[::1]x
  tcp://[::g]:1 tcp://h tcp://h: tcp://h:0 tcp://h:65536 tcp://h:80x tcp://h:1/ tcp://h:1#x tcp://%:1 unix: unix:run/x
  unix://run/x unix:/a%00b`;

test.each(["", "tcp://a b:1", ...notAddresses.split(/\s+/)])("%s is not an address", (url) => {
  expect(refusalOf(`x=${url}`)).toMatch(
    `target x: "${url}" is not an address; type tcp://host:port, tls://host:port or unix:/path`,
  );
});

test.each(["tcp://me:secret@h:1", "imaps://me:secret@h:1", "tls://me:se#cret@h:1", "tls://me:sec/ret@h:1"])(
  "%s is refused, and no password is repeated",
  (url) => {
    expect(refusalOf(`x=${url}`)).toMatch(
      `target x: "${url.slice(0, url.indexOf("//"))}//\u2026@h:1" is not an address`,
    );
  },
);

test.each([
  ["tcp://h:1?ca=x", '"ca=x" is no parameter of tcp; type proxy=v2, each only once'],
  ["tcp://h:1?proxy=v1", '"proxy=v1" is no parameter of tcp; type proxy=v2, each only once'],
  ...["verify=no", "alpn=a&alpn=b", "ca="].map((query) => [
    `tls://h:1?${query}`,
    `"${query.replace(/&.*/, "")}" is no parameter of tls; type ca=\u2026, servername=\u2026, alpn=\u2026, cert=\u2026, key=\u2026, proxy=v2, each only once`,
  ]),
  ["tls://h:1?alpn=%C3%BC", "alpn=\u00fc is not the name of a protocol; type one such as imap"],
  ["tls://h:1?servername=10.0.0.1", "servername=10.0.0.1 is not a host name; leave it out to verify the host itself"],
  ["tls://h:1?cert=a", "a client's certificate needs cert=FILE and key=FILE; name both files"],
  ["tls://h:1?key=a", "a client's certificate needs cert=FILE and key=FILE; name both files"],
  [
    `unix:/${"\u00fc".repeat(54)}`,
    "the path of 109 bytes to the Unix socket is over the limit of 107; use a shorter one, such as a symbolic link",
  ],
])("%s is refused with a sentence of its own", (url, sentence) => {
  expect(refusalOf(`x=${url}`)).toBe(`target x: ${sentence}`);
});

test("files of certificates are read at once, and checked", async () => {
  await using made = await Certificates.open();
  const [{ certPath: ca }, { certPath: cert, keyPath: key }, other] = (await Promise.all(
    ["ca", "mine", "other"].map((name) => made.make(name)),
  )) as [
    Awaited<ReturnType<Certificates["make"]>>,
    Awaited<ReturnType<Certificates["make"]>>,
    { readonly keyPath: string },
  ];
  const target = parseTarget(`mail=tls://imap.example:993?ca=${encodeURIComponent(ca)}&cert=${cert}&key=${key}`);
  expect(target.address).toMatchObject({ ca: expect.any(Buffer) as Buffer, cert: expect.any(Buffer) as Buffer });
  expect(describeTarget(target)).toBe("mail (tls, imap.example:993)");
  expect(lendsRights(target)).toBe(true);

  const none = join(made.folder, "none");
  await writeFile(none, "no certificate\n");
  const url = "x=tls://h:1";
  expect(refusalOf(`${url}?ca=${made.folder}/absent`)).toBe(
    `target x: ca ${made.folder}/absent cannot be read (ENOENT); name a PEM file`,
  );
  expect(refusalOf(`${url}?ca=${none}`)).toContain(`ca ${none} has no certificate in PEM form`);
  expect(refusalOf(`${url}?ca=/dev/zero`)).toContain("ca /dev/zero cannot be read (it is not a file); name a PEM file");
  const cut = join(made.folder, "cut");
  const [whole, another] = [await readFile(ca, "utf8"), await readFile(cert, "utf8")];
  await writeFile(cut, whole + another.slice(0, 200));
  expect(refusalOf(`${url}?ca=${cut}`)).toContain(`ca ${cut} has no certificate in PEM form, or a broken one`);
  await writeFile(cut, whole + another);
  expect(parseTarget(`${url}?ca=${cut}`).address).toMatchObject({ ca: Buffer.from(whole + another) });
  expect(refusalOf(`${url}?cert=${cert}&key=${none}`)).toContain(
    `key ${none} is not the private key, without a passphrase, of cert ${cert}`,
  );
  expect(refusalOf(`${url}?cert=${none}&key=${key}`)).toContain(`cert ${none} has no certificate in PEM form`);
  expect(refusalOf(`${url}?cert=${cert}&key=${other.keyPath}`)).toContain(
    "is not the private key, without a passphrase, of cert",
  );
});

test.each([
  ["redis=tcp://[::1]:6379", "redis (tcp, [::1]:6379)", false],
  ["mail=tls://imap.example:993", "mail (tls, imap.example:993)", false],
  ["docker=unix:/run/docker.sock", "docker (local socket)", true],
])("%s is shown as %s", (text, shown, doesLend) => {
  const target = parseTarget(text);
  expect(describeTarget(target)).toBe(shown);
  expect(lendsRights(target)).toBe(doesLend);
});

test("a plain TCP target can be made without a URL", () => {
  expect(tcpTarget("wirebook", { host: "127.0.0.1", port: 5007 })).toEqual(
    parseTarget("wirebook=tcp://127.0.0.1:5007"),
  );
});

test("any text at all is a target or a sentence", () => {
  const part = fc.oneof(
    fc.constantFrom("tcp:", "tls:", "unix:", "//", "h", ":", "1", "?", "&", "=", "[", "]", "%", "@"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      try {
        parseTarget(`x=${parts.join("")}`);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }),
  );
});
