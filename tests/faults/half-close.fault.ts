/** FIN before the reply, and bytes behind the message: neither may cost a client any of its reply. */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { startServer } from "../../test-support/programs.ts";
import type { Random } from "../../bench/harness/random.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const atOnce = 16;
const surplusBytesMax = 256 * 1024;

export const faultTest: FaultTest = {
  promise: "a client that closes its half early, or sends more than its message, gets its whole reply",
  unit: "exchanges",
  first: 1000,
  full: 50_000,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "no-half-open", count: 100 }],
  run,
};

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startServer({ nodeArgs });
  const whole = await replyTo(server.port, (socket) => socket.write("brick\n"));
  const violations: string[] = [];
  for (let done = 0; done < count; done += atOnce) {
    const size = Math.min(atOnce, count - done);
    const found = await Promise.all(Array.from({ length: size }, () => tryOne(server.port, whole, random)));
    violations.push(...found.filter((violation) => violation !== undefined));
    progress(done + size);
  }
  return { tried: count, checked: "each reply compared with an undisturbed one", violations };
}

async function tryOne(port: number, whole: string, random: Random): Promise<string | undefined> {
  const surplus = random.chance(0.5) ? random.bytes(random.below(surplusBytesMax)) : new Uint8Array(0);
  const endsEarly = random.chance(0.7) || surplus.length === 0;
  const manner = `${surplus.length} bytes behind the message, FIN ${endsEarly ? "at once" : "after the reply"}`;
  const reply = await replyTo(port, (socket) => {
    socket.write("brick\n");
    socket.write(surplus);
    if (endsEarly) socket.end();
  });
  return reply === whole ? undefined : `with ${manner} came ${reply.length} of ${whole.length} bytes`;
}

/** What came until the server's FIN; a reset takes away what had not been read. */
async function replyTo(port: number, send: (socket: Socket) => void): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  send(socket);
  try {
    const reply = await buffer(socket);
    return reply.toString();
  } catch (error) {
    return `(${(error as Error).message})`;
  } finally {
    socket.destroy();
  }
}
