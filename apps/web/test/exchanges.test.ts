import { expect, test } from "vitest";
import type { FrameErrorCode, GatewayFrame, StepTimes } from "@wirebook/protocol";
import { readOf } from "./gateway-peer.ts";
import { Exchanges } from "../src/exchanges/exchanges.svelte.ts";

const timed = { atMs: 1, text: "{}" };
const endpoint = { address: "127.0.0.1", port: 5007 };
const taken = { received: 1, connecting: 2, established: 3 };

const error = (id: number, code: FrameErrorCode, at: StepTimes): GatewayFrame => {
  return { type: "error", id, code, hop: "gateway-server", message: "", at };
};

test("the server counts as reached and answering by what came from it, not by what was hoped for", () => {
  const exchanges = new Exchanges({ clock: undefined, hello: undefined, send: () => timed }, () => {});
  const ask = () => exchanges.request({ user: "PING", by: "user" })?.id ?? 0;
  const open = (id: number): GatewayFrame => ({ type: "open", id, local: endpoint, remote: endpoint, at: taken });

  exchanges.takeFrame(error(ask(), "connect-refused", { received: 1, connecting: 2 }), timed);
  expect(exchanges.serverHop).toBe("failed");
  const silent = ask();
  exchanges.takeFrame(open(silent), timed);
  expect(exchanges.serverHop).toBe("unknown");
  exchanges.takeFrame(error(silent, "reply-timeout", taken), timed);
  expect(exchanges.serverHop).toBe("silent");
  const answered = ask();
  exchanges.takeFrame(open(answered), timed);
  exchanges.takeBytes({ ...readOf(new Uint8Array(7)), id: answered }, 1);
  expect(exchanges.serverHop).toBe("good");
  exchanges.takeFrame(error(answered, "reply-timeout", taken), timed);
  expect(exchanges.serverHop).toBe("good");
});
