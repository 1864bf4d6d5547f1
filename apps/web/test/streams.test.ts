import { expect, test } from "vitest";
import type { FrameErrorCode, GatewayFrame, StepTimes } from "@wirebook/protocol";
import { readOf } from "./gateway-peer.ts";
import { Streams } from "../src/streams/streams.svelte.ts";

const timed = { atMs: 1, text: "{}" };
const endpoint = { address: "127.0.0.1", port: 5007 };
const taken = { received: 1, connecting: 2, established: 3 };

const error = (id: number, code: FrameErrorCode, at: StepTimes): GatewayFrame => {
  return { type: "error", id, code, hop: "gateway-server", message: "", at };
};

test("the server counts as reached and answering by what came from it, not by what was hoped for", () => {
  const streams = new Streams(
    { clock: undefined, hello: undefined, sendBytes: () => undefined, send: () => timed },
    () => {},
  );
  const ask = () => streams.request({ user: "PING", by: "user" })?.id ?? 0;
  const open = (id: number): GatewayFrame => ({ type: "open", id, local: endpoint, remote: endpoint, at: taken });

  streams.takeFrame(error(ask(), "connect-refused", { received: 1, connecting: 2 }), timed);
  expect(streams.hopTo("wirebook")).toBe("failed");
  const silent = ask();
  streams.takeFrame(open(silent), timed);
  expect(streams.hopTo("wirebook")).toBe("unknown");
  streams.takeFrame(error(silent, "reply-timeout", taken), timed);
  expect(streams.hopTo("wirebook")).toBe("silent");
  const answered = ask();
  streams.takeFrame(open(answered), timed);
  streams.takeBytes({ ...readOf(new Uint8Array(7)), id: answered }, 1);
  expect(streams.hopTo("wirebook")).toBe("good");
  streams.takeFrame(error(answered, "reply-timeout", taken), timed);
  expect(streams.hopTo("wirebook")).toBe("good");
});
