/** The packages of the NATS client are optional: the library loads without them, and says what is missing when it needs them. */

import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** A module for `node --import` that hides the client's packages, as where they are not installed. */
const hidden = `
  import { registerHooks } from "node:module";
  registerHooks({
    resolve(specifier, context, next) {
      if (!specifier.startsWith("@nats-io/")) return next(specifier, context);
      throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
    },
  });
`;

const program = `
  import { importIntoJetStream, openJetStreamHistory, openJetStreamUsers } from "@wirebook/history-jetstream";
  import { describeNatsAddress } from "@wirebook/history-jetstream/address";
  const address = "nats://127.0.0.1:1/log";
  console.log(describeNatsAddress(address));
  for (const open of [openJetStreamHistory, openJetStreamUsers, importIntoJetStream]) {
    await open(address).catch(({ code, message }) => console.log(code, message));
  }
`;

test("without the NATS client an address is refused in a sentence that says what to install", async () => {
  const words = [
    "--import",
    `data:text/javascript,${encodeURIComponent(hidden)}`,
    "--input-type=module",
    "-e",
    program,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: import.meta.dirname });
  const sentence =
    "a history on NATS needs @nats-io/jetstream, @nats-io/kv and @nats-io/transport-node, which are not installed; run npm install -g @nats-io/jetstream@3 @nats-io/kv@3 @nats-io/transport-node@3, or npm ci in a checkout";
  expect(stdout.trimEnd().split("\n")).toEqual([
    "nats://127.0.0.1:1/log",
    `storage-failed ${sentence}`,
    `users-failed ${sentence}`,
    `storage-failed ${sentence}`,
  ]);
});
