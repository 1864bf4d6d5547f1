import { expect, test } from "vitest";
import { Audit } from "../order.fault.ts";

/** What strace prints for a request whose sync another thread's call comes between. */
const trace = (sync: readonly string[], reply: string): string[] => [
  '10 read(24, "user1\\n", 65536) = 6',
  '10 pwrite64(22, "2026 127.0.0.1 \\"user1\\"\\n", 24, 0) = 24',
  ...sync,
  reply,
];
const reply = '10 write(24, "Operations: \\n", 13) = 13';

test.each([
  ["in one piece", ["10 fdatasync(22)          = 0"], 0],
  [
    "cut by another thread",
    ["10 fdatasync(22 <unfinished ...>", "11 read(20, 1) = 1", "10 <... fdatasync resumed>) = 0"],
    0,
  ],
  ["that has not returned", ["10 fdatasync(22 <unfinished ...>"], 1],
  ["that failed", ["10 fdatasync(22)          = -1 EIO (Input/output error)"], 1],
])("a reply behind a sync %s", (_, sync, violations) => {
  const audit = new Audit();
  for (const line of trace(sync, reply)) audit.take(line);
  expect([audit.replies, audit.violations.length]).toEqual([1, violations]);
});
