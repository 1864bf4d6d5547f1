/** What `deploy/` tells the programs, held against the options that they have. */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { optionsHelp as gatewayHelp, readConfig as readGatewayConfig } from "../../apps/gateway/src/config.ts";
import { help as serverHelp, readConfig as readServerConfig } from "../../apps/server/src/config.ts";
import { limitsDefault } from "../../apps/server/src/limits.ts";

const root = new URL("../../", import.meta.url);
const programs = {
  "apps/server/src/main.ts": { help: serverHelp, read: readServerConfig },
  "apps/gateway/bin/wirebook-gateway.mjs": { help: gatewayHelp, read: readGatewayConfig },
};

interface Service {
  readonly command?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly environment: string }>>;
}

const text = (path: string): string => readFileSync(new URL(path, root), "utf8");
const compose = parse(text("deploy/compose.yaml"), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([name]) => !name.startsWith("nats-"));

/** The environment variables of a program, each with its value. */
function expectTold(command: string, environment: Readonly<Record<string, string>>): void {
  const path = Object.keys(programs).find((each) => command.endsWith(`node ${each}`));
  const program = programs[path as keyof typeof programs];
  expect(program, `${command} runs none of the programs`).toBeDefined();
  // Node has a variable of its own for where it keeps what it compiled.
  const told = Object.keys(environment).filter((name) => name !== "NODE_COMPILE_CACHE");
  for (const name of told) expect(program.help).toMatch(new RegExp(`\\b${name}\\b`));
  expect(program.read({ argv: [], env: environment })).toBeDefined();
}

describe("the compose file", () => {
  test.each(ours)("tells %s nothing that it does not know", (_name, { command = "", environment = {} }) => {
    expectTold(command, environment);
  });

  test("gives every server the cluster's password in a file, and no program an address with the password", () => {
    const servers = ours.filter(([, { command }]) => command?.includes("apps/server/"));
    expect(servers).toHaveLength(2);
    for (const [, { environment, secrets = [] }] of servers) {
      expect(environment?.["WIREBOOK_HISTORY"]).toMatch(/^nats:\/\/wirebook@/);
      expect(secrets.map((name) => `/run/secrets/${name}`)).toContain(environment?.["WIREBOOK_NATS_PASSWORD_FILE"]);
      for (const name of secrets) expect(compose.secrets[name]).toEqual({ environment: "NATS_PASSWORD" });
    }
    for (const [, { environment }] of ours) expect(JSON.stringify(environment)).not.toMatch(/\$|:[^/@"]+@/);
  });

  test("gives each node what its configuration takes from the environment", () => {
    const found = text("deploy/nats/nats.conf").matchAll(/^[^#\n]*\$(NATS_[A-Z_]+)/gm);
    const wanted = [...new Set([...found].map(([, name]) => String(name)))];
    const nodes = services.filter(([name]) => name.startsWith("nats-"));
    expect(nodes).toHaveLength(3);
    for (const [, { environment = {} }] of nodes) {
      expect(new Set(Object.keys(environment))).toEqual(new Set(wanted));
    }
    for (const name of wanted) expect(text("deploy/systemd/nats-wirebook.service")).toContain(name);
  });

  test("waits longer for a program to end than it takes to finish what it has accepted", () => {
    for (const [, service] of ours) {
      expect(Number.parseInt(service.stop_grace_period ?? "", 10) * 1000).toBeGreaterThan(limitsDefault.drainMs);
    }
  });
});

describe.each(["server", "gateway"])("the unit of the %s", (name) => {
  const unit = text(`deploy/systemd/wirebook-${name}.service`);
  const valueOf = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? "";

  test("runs a program that is there, with settings that it has", () => {
    const settings = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, key, value]) => [key, value]);
    expectTold(valueOf("ExecStart"), Object.fromEntries(settings) as Record<string, string>);
    const [command = "", path = ""] = valueOf("ExecStart").split(/ (?:--\S+ )*/);
    expect(command).toBe(`${valueOf("WorkingDirectory")}/node_modules/.bin/node`);
    expect(existsSync(fileURLToPath(new URL(path, root)))).toBe(true);
  });

  test("names only settings that the program has", () => {
    const { help } =
      name === "server" ? programs["apps/server/src/main.ts"] : programs["apps/gateway/bin/wirebook-gateway.mjs"];
    const named = unit.match(/\bWIREBOOK_[A-Z_]+\b/g) ?? [];
    expect(named.length).toBeGreaterThan(1);
    for (const each of named) expect(help).toMatch(new RegExp(`\\b${each}\\b`));
  });

  test("gives it the time to finish what it has accepted", () => {
    expect(Number(valueOf("TimeoutStopSec")) * 1000).toBeGreaterThan(limitsDefault.drainMs);
  });
});
