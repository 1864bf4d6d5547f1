/** Real nodes that ask who a server is: who is let in, who is not, and what that one is told. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { connect, nkeys } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NatsAccounts } from "../../../test-support/nats-accounts.ts";
import { describeOnNatsServers } from "../../../test-support/nats-tests.ts";
import { openJetStreamHistory, openJetStreamUsers } from "../src/open.ts";
import { LineReader } from "../../history/test/reading.ts";
import { as, expectIn, openRig, refusal } from "./cluster-fixture.ts";
import type { Rig } from "./cluster-fixture.ts";

/** A configuration in which the user wirebook has this password. */
const conf = (password: string): string => `authorization { users: [{ user: wirebook, password: ${password} }] }`;

describeOnNatsServers("a cluster that asks who a server is", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  describe("a cluster with users and passwords", () => {
    test("takes the right one, from the address and from a file", async () => {
      await using node = await rig.startNode(`authorization { users: [{ user: wirebook, password: "s3:cret@x" }] }`);
      const address = node.address("log");
      await expectIn(as("wirebook:s3%3Acret%40x", address));
      await expectIn(as("wirebook:s3:cret%40x", address));
      await expectIn(as("wirebook", address), { passwordFile: await rig.put("password", "s3:cret@x\n") });
    });

    test("needs to permit no more than the manual says", async () => {
      const manual = await readFile(new URL("../../../docs/reference/history-on-nats.md", import.meta.url), "utf8");
      const permissions = /^permissions: \{[^]*?\n\}/m.exec(manual)?.[0] ?? "none";
      const user = `{ user: wirebook, password: s3cret, ${permissions.replaceAll("NAME", "log")} }`;
      await using cluster = await rig.startNode(`authorization { users: [${user}, { user: all, password: all }] }`);
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
    });

    test("refuses a wrong one and none, in a sentence without it", async () => {
      await using node = await rig.startNode(conf("s3cret"));
      const address = node.address("log");
      const wrong = await refusal(as("wirebook:wr0ng", address));
      expect(wrong).toMatch(/^nats:\/\/127\.0\.0\.1:\d+\/log refuses this server: the user is not known there/);
      expect(wrong).not.toMatch(/wr0ng/);
      expect(await refusal(address)).toMatch(/asks who this server is; name a user/);
      const passwordFile = await rig.put("wrong", "wr0ng\n");
      expect(await refusal(as("wirebook", address), { passwordFile })).not.toMatch(/wr0ng/);
    });

    test("refuses a wrong one and none also where every node tells of the others", async () => {
      await using cluster = await rig.startThree(conf("s3cret"));
      const address = cluster.address("log");
      expect(await refusal(as("wirebook:wr0ng", address))).toMatch(/refuses this server: the user is not known there/);
      expect(await refusal(address)).toMatch(/asks who this server is; name a user/);
      await expectIn(as("wirebook:s3cret", address));
    });

    test("takes a token, from the address and from a file", async () => {
      await using node = await rig.startNode("authorization { token: t0ken }");
      await expectIn(as("t0ken", node.address("log")));
      await expectIn(node.address("log"), { passwordFile: await rig.put("token", "t0ken") });
      expect(await refusal(as("other", node.address("log")))).not.toMatch(/other/);
    });

    test("takes a server back when its password was renewed there first, and then in its file", async () => {
      await using cluster = await rig.startNode(conf("one"));
      const [node] = cluster.nodes;
      const configuration = join(node?.folder ?? "", "nats.conf");
      const passwordFile = await rig.put("renewed", "one\n");
      const refused = Promise.withResolvers<string>();
      const onNotice = (sentence: string): void => {
        if (sentence.includes("refuses")) refused.resolve(sentence);
      };
      const address = as("wirebook", cluster.address("log"));
      await using history = await openJetStreamHistory(address, { passwordFile, onNotice });
      await writeFile(configuration, (await readFile(configuration, "utf8")).replace(conf("one"), conf("two")));
      process.kill(node?.pid ?? 0, "SIGHUP");
      expect(await refused.promise).toMatch(/^The cluster refuses this server, which tries on: /);
      await rig.put("renewed", "two\n");
      await history.append({ address: "127.0.0.1", message: "back", isCut: false });
    });
  });

  describe("a cluster with NKeys", () => {
    test("takes the seed that it knows, and refuses another one", async () => {
      const user = nkeys.createUser();
      const seedOf = (pair: typeof user): string => new TextDecoder().decode(pair.getSeed());
      await using node = await rig.startNode(`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
      await expectIn(node.address("log"), { nkey: await rig.put("user.nk", `${seedOf(user)}\n`) });
      const other = seedOf(nkeys.createUser());
      const sentence = await refusal(node.address("log"), { nkey: await rig.put("other.nk", other) });
      expect(sentence).toMatch(/refuses this server/);
      expect(sentence).not.toContain(other);
    });
  });

  describe("a cluster with an operator and accounts", () => {
    test("takes a .creds file, also with the line ends of Windows", async () => {
      const accounts = new NatsAccounts();
      await using node = await rig.startNode(accounts.config);
      const text = accounts.createCredentials();
      await expectIn(node.address("log"), { credentials: await rig.put("user.creds", text) });
      const windows = await rig.put("windows.creds", text.trimEnd().replaceAll("\n", "\r\n"));
      await expectIn(node.address("log"), { credentials: windows });
    });

    test("refuses one of another operator and one whose time is over", async () => {
      const accounts = new NatsAccounts();
      await using node = await rig.startNode(accounts.config);
      for (const text of [new NatsAccounts().createCredentials(), accounts.createCredentials(-5)]) {
        const sentence = await refusal(node.address("log"), { credentials: await rig.put("refused.creds", text) });
        expect(sentence).toMatch(/refuses this server/);
      }
    });

    test("knows a server again whose .creds file was renewed when the time of the first was over", async () => {
      const accounts = new NatsAccounts();
      await using node = await rig.startNode(accounts.config);
      const credentials = await rig.put("short.creds", accounts.createCredentials(2));
      const expired = Promise.withResolvers<string>();
      const onNotice = (sentence: string): void => {
        if (sentence.includes("Expired")) expired.resolve(sentence);
      };
      await using history = await openJetStreamHistory(node.address("log"), { credentials, onNotice });
      await expired.promise;
      await rig.put("short.creds", accounts.createCredentials());
      await history.append({ address: "127.0.0.1", message: "renewed", isCut: false });
    });
  });
});
