import { join } from "node:path";
import { Certificates } from "../certificate.ts";
import { accepts } from "../foreign-program.ts";
import { freePort } from "../free-port.ts";
import { openFolder, startService } from "./debian.ts";

/** A Redis that keeps nothing on disk, and listens in three ways. */
export interface Redis extends AsyncDisposable {
  readonly port: number;
  readonly tlsPort: number;
  /** The certificate that signs itself and so is the one to trust; for 127.0.0.1 and localhost. */
  readonly certPath: string;
  readonly socketPath: string;
}

export async function startRedis(): Promise<Redis> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder("redis"));
  const { certPath, keyPath } = await made.use(await Certificates.open()).make("redis");
  const tlsPort = await freePort();
  const socketPath = join(path, "redis.sock");
  const options = {
    bind: "127.0.0.1",
    "tls-port": tlsPort,
    "tls-cert-file": certPath,
    "tls-key-file": keyPath,
    "tls-auth-clients": "no",
    unixsocket: socketPath,
    save: "",
    dir: path,
    // With a title of its own it would write over its environment, by which it is known to belong to the tests.
    "set-proc-title": "no",
  };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { port } = made.use(
    await startService("redis-server", (free) => ["--port", String(free), ...words], {
      // It listens there last.
      isReady: () => accepts(socketPath),
    }),
  );
  const held = made.move();
  return { port, tlsPort, certPath, socketPath, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
