/** What `deploy/` tells the programs, held against the options that they have, and against what checks such files. */

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { validate } from "dockerfile-utils";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { optionsHelp as gatewayHelp, readConfig as readGatewayConfig } from "../../apps/gateway/src/config.ts";
import { help as serverHelp, readConfig as readServerConfig } from "../../apps/server/src/config.ts";
import { limitsDefault } from "../../apps/server/src/limits.ts";
import { Certificates } from "../../test-support/certificate.ts";
import { startGateway, startServer } from "../../test-support/programs.ts";
import { run } from "../../test-support/run.ts";
import { writePeople } from "../faults/people/people-fixture.ts";

const root = new URL("../../", import.meta.url);

/** What a command runs: its help names all its variables, and reading them all says whether they are right. */
const programs = {
  "wirebook start": {
    help: `${serverHelp}${gatewayHelp}`,
    reads: [readServerConfig, readGatewayConfig],
  },
  "wirebook server": { help: serverHelp, reads: [readServerConfig] },
  "wirebook gateway": { help: gatewayHelp, reads: [readGatewayConfig] },
} as const;

interface Service {
  readonly command?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets?: Readonly<Record<string, { readonly environment: string }>>;
}

const text = (path: string): string => readFileSync(new URL(path, root), "utf8");
const readCompose = (path: string): Compose => parse(text(path), { merge: true }) as Compose;
const cluster = readCompose("deploy/compose-cluster.yaml");
const clusterServices = Object.entries(cluster.services);
const nodes = clusterServices.filter(([name]) => name.startsWith("nats-"));
const ours = [
  ...Object.entries(readCompose("deploy/compose.yaml").services),
  ...clusterServices.filter(([name]) => !name.startsWith("nats-")),
];

/** The environment variables of a program, each with its value. */
function expectTold(command: string, environment: Readonly<Record<string, string>>): void {
  expect(Object.keys(programs), `${command} is none of the programs`).toContain(command);
  const { help, reads } = programs[command as keyof typeof programs];
  for (const name of Object.keys(environment)) expect(help).toMatch(new RegExp(`\\b${name}\\b`));
  for (const read of reads) expect(read({ argv: [], env: environment })).toBeDefined();
}

describe("the image", () => {
  const dockerfile = text("deploy/Dockerfile");

  /** The JSON that stands behind an instruction. */
  const commandOf = (instruction: RegExp): string[] =>
    JSON.parse(new RegExp(`^${instruction.source}(\\[.*\\])$`, "m").exec(dockerfile)?.[1] ?? "[]") as string[];

  test("is one that a linter finds nothing in", () => {
    expect(validate(dockerfile)).toEqual([]);
    // The linter finds something where there is something.
    expect(validate(dockerfile.replace("--interval=10s", "--interval=10"))).toHaveLength(1);
  });

  test("runs the package, not as root, and writes into one folder", () => {
    expect(commandOf(/CMD /)).toEqual(["wirebook", "start"]);
    const lines = dockerfile.split("\n").filter((line) => /^(?:USER|WORKDIR|VOLUME) /.test(line));
    expect(lines).toEqual(["USER node", "WORKDIR /var/lib/wirebook", "VOLUME /var/lib/wirebook"]);
    expect(dockerfile).toContain("COPY dist/wirebook-*.tgz /tmp/wirebook.tgz\n");
  });

  test("is healthy when the gateway says that it is ready, and else is not", async () => {
    const [command = "", ...words] = commandOf(/HEALTHCHECK .* CMD /);
    expect(command).toBe("node");
    let status = 200;
    const gateway = createServer((_request, response) => response.writeHead(status).end());
    await once(gateway.listen(0, "127.0.0.1"), "listening");
    const env = { ...process.env, WIREBOOK_GATEWAY_PORT: String((gateway.address() as AddressInfo).port) };
    const check = async () => (await run(process.execPath, words, "", env)).code;
    expect(await check()).toBe(0);
    status = 503;
    expect(await check()).toBe(1);
    gateway.closeAllConnections();
    gateway.close();
    await once(gateway, "close");
    expect(await check()).toBe(1);
  });

  test("is healthy with a gateway that asks for a login, over TLS of its own", async () => {
    await using made = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), "wirebook-healthy-"));
    made.defer(() => rmSync(folder, { recursive: true }));
    const { certPath, keyPath } = await made.use(await Certificates.open()).make("gateway");
    const server = made.use(await startServer());
    const auth = ["--auth", `basic:${await writePeople(folder, ["ada"])}`];
    const options = [...auth, "--tls-cert", certPath, "--tls-key", keyPath];
    const { port } = made.use(await startGateway({ server: server.address, options }));
    const [, ...words] = commandOf(/HEALTHCHECK .* CMD /);
    const env = { ...process.env, WIREBOOK_GATEWAY_PORT: String(port), WIREBOOK_TLS_CERT: certPath };
    expect((await run(process.execPath, words, "", env)).code).toBe(0);
    await server.kill();
    // The gateway keeps its answer for a moment.
    await expect.poll(async () => (await run(process.execPath, words, "", env)).code).toBe(1);
  });
});

describe("the compose files", () => {
  test.each(ours)(
    "tell %s nothing that it does not know",
    (_name, { command = "wirebook start", environment = {} }) => {
      expectTold(command, environment);
    },
  );

  test.each(ours)("let %s write nowhere else, and give it no rights", (_name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
    });
  });

  test("publish a page that needs no password on 127.0.0.1 alone", () => {
    const open = ours.filter(([, { environment }]) => environment?.["WIREBOOK_AUTH"] === "none");
    expect(open).toHaveLength(3);
    for (const port of open.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test("give every server the cluster's password in a file, and no program an address with the password", () => {
    const servers = ours.filter(([, { command }]) => command === "wirebook server");
    expect(servers).toHaveLength(2);
    for (const [, { environment, secrets = [] }] of servers) {
      expect(environment?.["WIREBOOK_HISTORY"]).toMatch(/^nats:\/\/wirebook@/);
      expect(secrets.map((name) => `/run/secrets/${name}`)).toContain(environment?.["WIREBOOK_NATS_PASSWORD_FILE"]);
      for (const name of secrets) expect(cluster.secrets?.[name]).toEqual({ environment: "NATS_PASSWORD" });
    }
    for (const [, { environment }] of ours) expect(JSON.stringify(environment)).not.toMatch(/\$|:[^/@"]+@/);
  });

  test("ask a server for a sign of life without a message", async () => {
    await using server = await startServer();
    const [, , ...words] = cluster.services["server-1"]?.healthcheck?.test ?? [];
    const check = (port: number) => words.map((word) => word.replace("5007", String(port)));
    expect((await run(process.execPath, check(server.port))).code).toBe(0);
    await server.kill();
    expect((await run(process.execPath, check(server.port))).code).toBe(1);
    expect(readFileSync(server.historyPath, "utf8")).toBe("");
  });

  test("give each node what its configuration takes from the environment", () => {
    const found = text("deploy/nats/nats.conf").matchAll(/^[^#\n]*\$(NATS_[A-Z_]+)/gm);
    const wanted = [...new Set([...found].map(([, name]) => String(name)))];
    expect(nodes).toHaveLength(3);
    for (const [, { environment = {} }] of nodes) {
      expect(new Set(Object.keys(environment))).toEqual(new Set(wanted));
    }
    for (const name of wanted) expect(text("deploy/systemd/nats-wirebook.service")).toContain(name);
  });

  test("wait longer for a program to end than it takes to finish what it has accepted", () => {
    for (const [, service] of ours) {
      expect(Number.parseInt(service.stop_grace_period ?? "", 10) * 1000).toBeGreaterThan(limitsDefault.drainMs);
    }
  });
});

const units = ["wirebook", "wirebook-server", "wirebook-gateway"];

describe.each(units)("the unit %s", (name) => {
  const unit = text(`deploy/systemd/${name}.service`);
  const valueOf = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? "";

  test("runs a command that is there, and names only settings that it has", () => {
    expectTold(valueOf("ExecStart"), {});
    const { help } = programs[valueOf("ExecStart") as keyof typeof programs];
    const named = unit.match(/\bWIREBOOK_[A-Z_]+\b/g) ?? [];
    expect(named.length).toBeGreaterThan(1);
    for (const each of named) expect(help).toMatch(new RegExp(`\\b${each}\\b`));
  });

  test("gives it the time to finish what it has accepted", () => {
    expect(Number(valueOf("TimeoutStopSec")) * 1000).toBeGreaterThan(limitsDefault.drainMs);
  });

  test("lets it write into its own folder alone", () => {
    expect(valueOf("User")).toBe("wirebook");
    expect(valueOf("ProtectSystem")).toBe("strict");
    expect(unit).not.toContain("ReadWritePaths");
    expect(valueOf("StateDirectory")).toBe(name === "wirebook-gateway" ? "" : "wirebook");
  });
});

/** The most that a unit may be exposed, in tenths of what `systemd-analyze security` prints: from 2 on it calls it exposed. */
const exposureMax = 20;
const hasAnalyze = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe.skipIf(!hasAnalyze)("needs systemd-analyze: it", () => {
  test.each([...units, "nats-wirebook"])("finds %s right, and its sandbox tight", (name) => {
    const folder = mkdtempSync(join(tmpdir(), "wirebook-units-"));
    try {
      // It looks for the programs, which are not installed here.
      const program = join(folder, "program");
      writeFileSync(program, "");
      chmodSync(program, 0o755);
      const path = join(folder, `${name}.service`);
      const unit = text(`deploy/systemd/${name}.service`);
      writeFileSync(path, unit.replace(/^ExecStart=\S+/m, `ExecStart=${program}`));
      const analyze = (...words: string[]) => spawnSync("systemd-analyze", [...words, path], { encoding: "utf8" });
      expect(analyze("verify")).toMatchObject({ status: 0, stdout: "", stderr: "" });
      const { status, stdout } = analyze("security", "--offline=true", `--threshold=${exposureMax}`);
      expect(status, stdout.slice(-200)).toBe(0);
      // It finds what is wrong.
      writeFileSync(path, unit.replace(/^ExecStart=\S+/m, "ExecStart=/nowhere"));
      expect(analyze("verify").status).not.toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
