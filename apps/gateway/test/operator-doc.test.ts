/** What the documents tell an operator is what the gateway does. */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseTarget, parseTargetUrl } from "@wirebook/net";
import { targetsMax } from "@wirebook/protocol";
import { debianEnvironment, findDebianFile } from "../../../scripts/debian-programs.mjs";
import { freePort } from "../../../test-support/free-port.ts";
import { closedPort, openGateway } from "./gateway-fixture.ts";
import { scrape } from "./scrape.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const document = read("docs/reference/gateway.md");

/** The cells of the rows that begin with a word of that form. */
function rowsOf(form: RegExp, text = document): string[][] {
  const rows = text.split("\n").filter((line) => form.test(line));
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

/** The parameters of such a target, as the sentence on an unknown one lists them. */
function parametersOf(url: string): string | undefined {
  try {
    parseTargetUrl(`${url}?unknown=1`);
  } catch (error) {
    return /; type (.*), each only once/.exec(String(error))?.[1]?.replaceAll(/=[^,]*/g, "");
  }
  return undefined;
}

test("the table of parameters has those of each kind of target, and no other", () => {
  const rows = rowsOf(/^\| `[a-z0-9=]+`(?:, `\w+`)? *\| (?:`tls`|all) /);
  const parameters = rows.flatMap(([names = "", of]) => names.split(", ").map((name) => [name.replace(/=.*/, ""), of]));
  const namesOf = (...kinds: string[]): string =>
    parameters.flatMap(([name, of = ""]) => (kinds.includes(of) ? [name] : [])).join(", ");
  expect(parametersOf("tls://127.0.0.1:1")).toBe(namesOf("tls", "all"));
  expect(parametersOf("tcp://127.0.0.1:1")).toBe(namesOf("all"));
  expect(parametersOf("unix:/run/x")).toBe(namesOf("all"));
  expect(document).toContain(`Repeat it for more, up to ${targetsMax}.`);
});

test("every target that the documents name can be read", () => {
  const texts = [read("README.md"), read("docs/how-to/bridge-your-service.md"), document];
  const examples = [...texts.join("\n").matchAll(/--target ([a-z]+=[^\s`]+)/g)].map(([, text = ""]) => text);
  expect(examples.length).toBeGreaterThan(4);
  // The file of an authority is not there.
  const targets = examples.map((text) => parseTarget(text.replace(/\\?[?&]ca=[^&]+/, "")));
  expect(new Set(targets.map(({ address }) => address.transport))).toEqual(new Set(["tcp", "tls", "unix"]));
});

test("the table of metrics has each metric with its kind, and no other", async () => {
  await using gateway = await openGateway(await closedPort());
  const { kinds } = await scrape(gateway);
  const own = new Map([...kinds].filter(([name]) => name.startsWith("wirebook_")));
  const rows = rowsOf(/^\| `wirebook_/, read("docs/reference/metrics.md")).map(
    ([name = "", kind = ""]) => [name, kind] as const,
  );
  expect(new Map(rows)).toEqual(own);
});

const nginx = findDebianFile("usr/sbin/nginx");
const where = nginx === undefined ? "SKIPPED, there is no nginx: " : "";

test.skipIf(where !== "")(`${where}the block for nginx works on a port that is not 80`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "wirebook-nginx-"));
  const port = await freePort();
  const config = { origin: [`http://wirebook.test:${port}`], trustProxy: ["127.0.0.1"] };
  await using gateway = await openGateway(await closedPort(), { config });
  const [block = ""] = /^ {4}location \/ \{$[\s\S]*?^ {4}\}$/m.exec(read("docs/how-to/reverse-proxy.md")) ?? [];
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const file = join(folder, "nginx.conf");
  await writeFile(
    file,
    `daemon off; pid ${folder}/pid; error_log stderr info; events {}\nhttp { access_log off; ${paths.join(" ")}\n` +
      `server { listen 127.0.0.1:${port};\n${block.replace("127.0.0.1:8007", gateway.host)}\n} }\n`,
  );
  const child = spawn(nginx ?? "", ["-e", "stderr", "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
    env: debianEnvironment(),
  });
  try {
    let said = "";
    for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
      said += String(chunk);
      if (said.includes("start worker process ")) break;
    }
    child.stderr.resume();
    const asked = get({ port, path: "/healthz", headers: { host: `wirebook.test:${port}` } });
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
  } finally {
    child.kill();
    await once(child, "close");
    await rm(folder, { recursive: true });
  }
});
