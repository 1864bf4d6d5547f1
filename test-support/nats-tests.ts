import { describe, test } from "vitest";
import { findNatsServer, natsServerMissing } from "../scripts/nats-server.mjs";

/** Declares tests on real nats-servers. Where there is none they are skipped, loudly: by a name that says why. */
export function describeOnNatsServers(what: string, declare: () => void): void {
  describe(what, findNatsServer() === undefined ? skip : declare);
}

function skip(): void {
  test.skip(`SKIPPED: ${natsServerMissing}`, () => {});
}
