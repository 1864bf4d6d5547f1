import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { openFolder, startService } from "./debian.ts";

/** An MQTT broker that lets everyone in, keeps nothing on disk and drops no message of a slow subscriber. */
export async function startMosquitto(): Promise<AsyncDisposable & { readonly port: number }> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder("mosquitto"));
  const config = `${path}/mosquitto.conf`;
  const args = (free: number): readonly string[] => {
    const lines = [
      `listener ${free} 127.0.0.1`,
      "allow_anonymous true",
      "persistence false",
      "max_queued_messages 0",
      `user ${userInfo().username}`,
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    return ["-c", config];
  };
  const { port } = made.use(await startService("mosquitto", args));
  const held = made.move();
  return { port, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
