/** The files of secrets and certificates: a wrong one is told before any node is asked. */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NatsCredentials } from "../src/open.ts";
import { as, openRig, refusal } from "./cluster-fixture.ts";
import type { Rig } from "./cluster-fixture.ts";

describe("a file that an option names", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig[Symbol.asyncDispose]());
  const address = "nats://127.0.0.1:1/log";

  test("must be there, and hold what it is named for", async () => {
    const text = await rig.put("text", "s3cret\nof two lines\n");
    const missing = join(rig.folder, "missing");
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
    const path = await rig.put("one-line", "s3cret\n");
    expect(await refusal(as("brick", address), { credentials: path })).toMatch(
      /the user in the address and --nats-credentials each say who this server is; leave but one$/,
    );
    expect(await refusal(address, { credentials: path, nkey: path, passwordFile: path })).toMatch(
      /--nats-credentials and --nats-nkey and --nats-password-file each say/,
    );
    expect(await refusal(as("brick:p4ss", address), { passwordFile: path })).toMatch(/leave one of them out$/);
  });
});
