/** Real nodes that want TLS: whom a server trusts, and what it shows of itself. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { Certificates } from "../../../test-support/certificate.ts";
import { describeOnNatsServers } from "../../../test-support/nats-tests.ts";
import { expectIn, openRig, refusal } from "./cluster-fixture.ts";
import type { Rig } from "./cluster-fixture.ts";

const byTls = (address: string): string => address.replace("nats://", "tls://");

describeOnNatsServers("a cluster with TLS", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig[Symbol.asyncDispose]());
  test("is trusted when its certificate is from the authority that was named", async () => {
    await using certificates = await Certificates.open();
    const authority = await certificates.make("authority");
    const { certPath, keyPath } = await certificates.make("node", authority);
    await using node = await rig.startNode(`tls { cert_file: "${certPath}", key_file: "${keyPath}" }`);
    const address = node.address("log");
    const localhost = byTls(address).replace("127.0.0.1", "localhost");
    const tlsCa = authority.certPath;
    for (const each of [address, byTls(address), localhost]) await expectIn(each, { tlsCa });
    const other = await certificates.make("other");
    expect(await refusal(byTls(address), { tlsCa: other.certPath })).toMatch(/cannot be reached: .*certificate/);
    expect(await refusal(address)).toMatch(/authority of its certificate \(--nats-tls-ca\)/);
  });

  test("must be the host that was named, be that a name or an address", async () => {
    await using certificates = await Certificates.open();
    const authority = await certificates.make("authority");
    const { certPath, keyPath } = await certificates.make("node", authority, "IP:127.0.0.1");
    await using node = await rig.startNode(`tls { cert_file: "${certPath}", key_file: "${keyPath}" }`);
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
    await using node = await rig.startNode(`tls { ${tls} }`);
    const address = byTls(node.address("log"));
    const tlsCa = authority.certPath;
    await expectIn(address, { tlsCa, tlsCert: own.certPath, tlsKey: own.keyPath });
    expect(await refusal(address, { tlsCa })).toMatch(/one of this server's own \(--nats-tls-cert, --nats-tls-key\)/);
    const mixed = { tlsCa, tlsCert: own.certPath, tlsKey: keyPath };
    expect(await refusal(address, mixed)).toMatch(/key values mismatch/);
  });

  test("is not taken for one when it offers none", async () => {
    await using node = await rig.startNode("");
    expect(await refusal(byTls(node.address("log")))).toMatch(/does not support .tls./);
  });
});
