import { connect } from "node:net";
import type { Ledger } from "./ledger.ts";

/** A client that follows. */
export interface Follower {
  /** Resolves when the server has gone and everything is delivered. */
  readonly gone: Promise<unknown>;
}

/** Follows a server's history from the line behind those of the ledger; resolves when it does, or when the server is gone. */
export async function follow(port: number, ledger: Ledger): Promise<Follower> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(`follower 5 ${ledger.lines + 1}\n`);
  const { promise: started, resolve } = Promise.withResolvers<void>();
  let state: "header" | "following" | "ended" = "header";
  let rest = "";
  // What has no line feed yet is not delivered: a crash may cut it.
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) {
      if (line.startsWith("Error: ")) state = "ended";
      if (state === "following") ledger.deliver(line);
      if (state === "header" && line.startsWith("Following from line ")) {
        state = "following";
        resolve();
      }
    }
  });
  const gone = new Promise((closed) => void socket.once("close", closed));
  socket.on("error", () => {}); // `close` follows; what came before it counts.
  await Promise.race([started, gone]);
  return { gone };
}
