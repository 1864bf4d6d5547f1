/** Real nodes that ask who a server is, or want TLS: who is let in, who is not, and what that one is told. */

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { connect, nkeys } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Certificates } from "../../../../interop/certificate.ts";
import { NatsAccounts } from "../../../../interop/nats-accounts.ts";
import { NatsCluster } from "../../../../interop/nats-cluster.ts";
import { findNatsServer } from "../../../../scripts/nats-server.mjs";
import type { HistoryError, NatsCredentials } from "../../src/index.ts";
import { openJetStreamHistory, openJetStreamUsers } from "../../src/jetstream/open.ts";
import { LineReader, linesOf } from "../reading.ts";

let folder: string;

/** Starts a node with more of a configuration. */
const startNode = (more: string): Promise<NatsCluster> =>
  NatsCluster.start({ nodes: 1, folder: join(folder, crypto.randomUUID()), more });

/** Writes a file into the folder. */
async function put(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** Proves that a server that says who it is so is let in: it writes a line and reads it. */
async function expectIn(address: string, credentials: NatsCredentials = {}): Promise<void> {
  await using history = await openJetStreamHistory(address, credentials);
  await history.append({ address: "127.0.0.1", message: "brick 2", isCut: false });
  expect((await linesOf(history)).at(-1)).toMatch(/"brick 2"$/);
  await using users = await openJetStreamUsers(address, credentials);
  expect(users.count).toBe(0);
}

/** What a server is told that is not let in. */
async function refusal(address: string, credentials: NatsCredentials = {}): Promise<string> {
  const error = await openJetStreamHistory(address, credentials).then(
    async (history) => {
      await history[Symbol.asyncDispose]();
      throw new Error("the node took it");
    },
    (reason: HistoryError) => reason,
  );
  expect(error).toMatchObject({ name: "HistoryError", code: "storage-failed" });
  return error.message;
}

const as = (user: string, address: string): string => address.replace("://", `://${user}@`);
/** A configuration in which the user wirebook has this password. */
const conf = (password: string): string => `authorization { users: [{ user: wirebook, password: ${password} }] }`;
const byTls = (address: string): string => address.replace("nats://", "tls://");

if (findNatsServer() === undefined) {
  describe("a cluster that asks who a server is", () => {
    test.skip("SKIPPED: there is no nats-server 2.10.27 or newer; name one in WIREBOOK_NATS_SERVER", () => {});
  });
} else {
  beforeAll(async () => {
    folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "wirebook-credentials-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe("a cluster with users and passwords", () => {
    test("takes the right one, from the address and from a file", async () => {
      await using node = await startNode(`authorization { users: [{ user: wirebook, password: "s3:cret@x" }] }`);
      const address = node.address("log");
      await expectIn(as("wirebook:s3%3Acret%40x", address));
      await expectIn(as("wirebook:s3:cret%40x", address));
      await expectIn(as("wirebook", address), { passwordFile: await put("password", "s3:cret@x\n") });
    });

    test("needs to permit no more than the manual says", async () => {
      const manual = await readFile(new URL("../../../../docs/history-on-nats.md", import.meta.url), "utf8");
      const permissions = /^permissions: \{[^]*?\n\}/m.exec(manual)?.[0] ?? "none";
      const user = `{ user: wirebook, password: s3cret, ${permissions.replaceAll("NAME", "log")} }`;
      await using cluster = await startNode(`authorization { users: [${user}, { user: all, password: all }] }`);
      const [node] = cluster.nodes;
      const witness = await connect({ servers: `127.0.0.1:${node?.ports.client}`, user: "all", pass: "all" });
      const erasings = ["MSG.DELETE", "PURGE"].map((what) =>
        witness.subscribe(`$JS.API.STREAM.${what}.log`, { max: 1 }),
      );
      const notices: string[] = [];
      const address = as("wirebook:s3cret", cluster.address("log"));
      await expectIn(address);
      {
        await using history = await openJetStreamHistory(address, { onNotice: (notice) => notices.push(notice) });
        await using users = await openJetStreamUsers(address);
        await users.add({ name: "eve", role: "member", keyHash: "", createdAt: "", createdBy: "-" });
        await users.remove("eve");
        await using feed = await history.follow(1);
        await new LineReader(feed).take(1);
        await history.deleteLine({ user: "eve", address: "127.0.0.1" }, 1);
        await feed[Symbol.asyncDispose]();
        await history.deleteAll({ user: "eve", address: "127.0.0.1" });
        for (const erasing of erasings) for await (const _ of erasing);
      }
      await witness.close();
      expect(notices).toEqual([]);
      const elsewhere = openJetStreamHistory(address.replace("/log", "/other"));
      await expect(elsewhere).rejects.toThrow(/Permissions Violation for Publish to "\$JS\.API\.STREAM\.INFO\.other"/);
    }, 30_000);

    test("refuses a wrong one and none, in a sentence without it", async () => {
      await using node = await startNode(conf("s3cret"));
      const address = node.address("log");
      const wrong = await refusal(as("wirebook:wr0ng", address));
      expect(wrong).toMatch(/^nats:\/\/127\.0\.0\.1:\d+\/log refuses this server: the user is not known there/);
      expect(wrong).not.toMatch(/wr0ng/);
      expect(await refusal(address)).toMatch(/asks who this server is; name a user/);
      const passwordFile = await put("wrong", "wr0ng\n");
      expect(await refusal(as("wirebook", address), { passwordFile })).not.toMatch(/wr0ng/);
    });

    test("takes a token, from the address and from a file", async () => {
      await using node = await startNode("authorization { token: t0ken }");
      await expectIn(as("t0ken", node.address("log")));
      await expectIn(node.address("log"), { passwordFile: await put("token", "t0ken") });
      expect(await refusal(as("other", node.address("log")))).not.toMatch(/other/);
    });

    test("takes a server back when its password was renewed there first, and then in its file", async () => {
      await using cluster = await startNode(conf("one"));
      const [node] = cluster.nodes;
      const configuration = join(node?.folder ?? "", "nats.conf");
      const passwordFile = await put("renewed", "one\n");
      const refused = Promise.withResolvers<string>();
      const onNotice = (sentence: string): void => {
        if (sentence.includes("refuses")) refused.resolve(sentence);
      };
      const address = as("wirebook", cluster.address("log"));
      await using history = await openJetStreamHistory(address, { passwordFile, onNotice });
      await writeFile(configuration, (await readFile(configuration, "utf8")).replace(conf("one"), conf("two")));
      process.kill(node?.pid ?? 0, "SIGHUP");
      expect(await refused.promise).toMatch(/^The cluster refuses this server, which tries on: /);
      await put("renewed", "two\n");
      await history.append({ address: "127.0.0.1", message: "back", isCut: false });
    });
  });

  describe("a cluster with NKeys", () => {
    test("takes the seed that it knows, and refuses another one", async () => {
      const user = nkeys.createUser();
      const seedOf = (pair: typeof user): string => new TextDecoder().decode(pair.getSeed());
      await using node = await startNode(`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
      await expectIn(node.address("log"), { nkey: await put("user.nk", `${seedOf(user)}\n`) });
      const other = seedOf(nkeys.createUser());
      const sentence = await refusal(node.address("log"), { nkey: await put("other.nk", other) });
      expect(sentence).toMatch(/refuses this server/);
      expect(sentence).not.toContain(other);
    });
  });

  describe("a cluster with an operator and accounts", () => {
    test("takes a .creds file, also with the line ends of Windows", async () => {
      const accounts = new NatsAccounts();
      await using node = await startNode(accounts.config);
      const text = accounts.createCredentials();
      await expectIn(node.address("log"), { credentials: await put("user.creds", text) });
      const windows = await put("windows.creds", text.trimEnd().replaceAll("\n", "\r\n"));
      await expectIn(node.address("log"), { credentials: windows });
    });

    test("refuses one of another operator and one whose time is over", async () => {
      const accounts = new NatsAccounts();
      await using node = await startNode(accounts.config);
      for (const text of [new NatsAccounts().createCredentials(), accounts.createCredentials(-5)]) {
        const sentence = await refusal(node.address("log"), { credentials: await put("refused.creds", text) });
        expect(sentence).toMatch(/refuses this server/);
      }
    });

    test("knows a server again whose .creds file was renewed when the time of the first was over", async () => {
      const accounts = new NatsAccounts();
      await using node = await startNode(accounts.config);
      const credentials = await put("short.creds", accounts.createCredentials(2));
      const expired = Promise.withResolvers<string>();
      const onNotice = (sentence: string): void => {
        if (sentence.includes("Expired")) expired.resolve(sentence);
      };
      await using history = await openJetStreamHistory(node.address("log"), { credentials, onNotice });
      await expired.promise;
      await put("short.creds", accounts.createCredentials());
      await history.append({ address: "127.0.0.1", message: "renewed", isCut: false });
    }, 20_000);
  });

  describe("a cluster with TLS", () => {
    test("is trusted when its certificate is from the authority that was named", async () => {
      await using certificates = await Certificates.open();
      const authority = await certificates.make("authority");
      const { certPath, keyPath } = await certificates.make("node", authority);
      await using node = await startNode(`tls { cert_file: "${certPath}", key_file: "${keyPath}" }`);
      const address = node.address("log");
      const localhost = byTls(address).replace("127.0.0.1", "localhost");
      const tlsCa = authority.certPath;
      for (const each of [address, byTls(address), localhost]) await expectIn(each, { tlsCa });
      const other = await certificates.make("other");
      expect(await refusal(byTls(address), { tlsCa: other.certPath })).toMatch(/from nobody who is trusted here/);
      expect(await refusal(address)).toMatch(/name the file of its authority with --nats-tls-ca/);
    });

    test("must be the host that was named, be that a name or an address", async () => {
      await using certificates = await Certificates.open();
      const authority = await certificates.make("authority");
      const { certPath, keyPath } = await certificates.make("node", authority, "IP:127.0.0.1");
      await using node = await startNode(`tls { cert_file: "${certPath}", key_file: "${keyPath}" }`);
      const address = byTls(node.address("log"));
      const tlsCa = authority.certPath;
      await expectIn(address, { tlsCa });
      expect(await refusal(address.replace("127.0.0.1", "localhost"), { tlsCa })).toMatch(/does not match/);
    });

    test("may ask for a certificate of the server's own", async () => {
      await using certificates = await Certificates.open();
      const authority = await certificates.make("authority");
      const { certPath, keyPath } = await certificates.make("node", authority);
      const own = await certificates.make("wirebook", authority);
      const tls = `cert_file: "${certPath}", key_file: "${keyPath}", ca_file: "${authority.certPath}", verify: true`;
      await using node = await startNode(`tls { ${tls} }`);
      const address = byTls(node.address("log"));
      const tlsCa = authority.certPath;
      await expectIn(address, { tlsCa, tlsCert: own.certPath, tlsKey: own.keyPath });
      expect(await refusal(address, { tlsCa })).toMatch(/own certificate \(--nats-tls-cert, --nats-tls-key\)/);
      const mixed = { tlsCa, tlsCert: own.certPath, tlsKey: keyPath };
      expect(await refusal(address, mixed)).toMatch(/do not belong together/);
    }, 20_000);

    test("is not taken for one when it offers none", async () => {
      await using node = await startNode("");
      expect(await refusal(byTls(node.address("log")))).toMatch(/offers no TLS; write nats:/);
    });
  });

  describe("a file that an option names", () => {
    const address = "nats://127.0.0.1:1/log";

    test("must be there, and hold what it is named for", async () => {
      const text = await put("text", "s3cret\nof two lines\n");
      const missing = join(folder, "missing");
      const cases: [NatsCredentials, RegExp][] = [
        [{ credentials: missing }, /missing, of --nats-credentials, cannot be read \(ENOENT\)$/],
        [{ credentials: text }, /text, of --nats-credentials, holds no such secret; name a \.creds file/],
        [{ nkey: text }, /text, of --nats-nkey, holds no such secret; name a file with the seed/],
        [{ passwordFile: text }, /text, of --nats-password-file, holds no such secret; name a file with one line/],
        [{ tlsCa: text }, /text, of --nats-tls-ca, is no PEM file with a certificate$/],
        [{ tlsCert: text, tlsKey: text }, /text, of --nats-tls-cert, is no PEM file with a certificate$/],
        [{ tlsCert: text }, /--nats-tls-cert and --nats-tls-key go together; name both, or neither$/],
      ];
      for (const [credentials, sentence] of cases) {
        const said = await refusal(address, credentials);
        expect(said).toMatch(sentence);
        expect(said).not.toMatch(/s3cret/);
      }
    });

    test("must not say who the server is when something else does", async () => {
      const path = await put("one-line", "s3cret\n");
      expect(await refusal(as("brick", address), { credentials: path })).toMatch(
        /the user in the address and --nats-credentials each say who this server is; leave but one$/,
      );
      expect(await refusal(address, { credentials: path, nkey: path, passwordFile: path })).toMatch(
        /--nats-credentials and --nats-nkey and --nats-password-file each say/,
      );
      expect(await refusal(as("brick:p4ss", address), { passwordFile: path })).toMatch(/leave one of them out$/);
    });
  });
}
