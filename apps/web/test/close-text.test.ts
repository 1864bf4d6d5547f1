import { expect, test } from "vitest";
import { closeText } from "../src/gateway/connection.svelte.ts";

test("says why the connection ended, without the gateway's word for programs", () => {
  expect(closeText(1013, "too-many-websockets: all 2 WebSockets of this gateway are in use; try again later")).toBe(
    "the gateway is too busy: all 2 WebSockets of this gateway are in use; try again later (WebSocket code 1013)",
  );
  expect(closeText(1006, "")).toBe("the gateway cannot be reached, or the connection broke (WebSocket code 1006)");
  expect(closeText(4999, "Reason: of its own")).toBe(
    "the gateway closed the connection: Reason: of its own (WebSocket code 4999)",
  );
});
