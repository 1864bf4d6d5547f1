/** FIN before the reply, and bytes behind the message, through the gateway [G-6]. */

import { startGateway, startServer } from "../../test-support/programs.ts";
import { GatewayPage } from "../../bench/harness/gateway-page.ts";
import type { FaultTest, Finding, Trial } from "./framework/fault-test.ts";

const atOnce = 16;
const surplusBytesMax = 8000;

export const faultTest: FaultTest = {
  promise: "a page that ends its direction early, or sends more than its message, gets its whole reply",
  unit: "exchanges",
  first: 2000,
  full: 50_000,
  isInCi: true,
  needs: [],
  negativeControls: [{ mutant: "no-half-close", count: 50 }],
  run,
};

async function run({ count, random, nodeArgs, progress }: Trial): Promise<Finding> {
  await using server = await startServer();
  await using gateway = await startGateway({ server: server.address, nodeArgs });
  using page = await GatewayPage.open(gateway.port);
  const message = Buffer.from("brick\n");
  const whole = (await page.raw(message)).bytes.toString();
  const violations: string[] = [];
  const tryOne = async (): Promise<void> => {
    const surplus = random.chance(0.5) ? random.bytes(random.below(surplusBytesMax)) : new Uint8Array(0);
    const more = surplus.length === 0 || random.chance(0.5) ? [] : [surplus];
    const first = more.length === 0 ? Buffer.concat([message, surplus]) : message;
    const isEnded = random.chance(0.8);
    const { bytes, last } = await page.raw(first, { more, isEnded });
    if (last.type === "end" && last.reason === "fin" && bytes.toString() === whole) return;
    const manner = `${surplus.length} bytes behind the message, FIN ${isEnded ? "at once" : "after the reply"}`;
    violations.push(`with ${manner} came ${bytes.length} of ${whole.length} bytes and ${JSON.stringify(last)}`);
  };
  for (let done = 0; done < count; done += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, count - done) }, tryOne));
    progress(done);
  }
  return { tried: count, checked: "each reply compared with an undisturbed one", violations };
}
