import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  decodeGatewayFrame,
  decodePageFrame,
  frameErrorCodes,
  scheduleMsMax,
  scheduleStepsMax,
  slowReadBytesMax,
  slowReadMsMax,
  subprotocol,
} from "@wirebook/protocol";
import { hopOf } from "../src/websocket/page-frames.ts";
import { gatewayLimits } from "../src/limits.ts";

const read = (name: string): string =>
  readFileSync(new URL(`../../../docs/reference/${name}`, import.meta.url), "utf8");
const document = read("gateway-frames.md");

/** The cells of the rows of the table under a heading, without backquotes. */
function tableUnder(heading: string, text: string): string[][] {
  const part = text.split(new RegExp(`^## ${heading}$`, "m"))[1]?.split(/^#/m)[0] ?? "";
  const rows = part.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

test("the table of errors has every code with its hop, and no other", () => {
  const rows = tableUnder("From the gateway", read("errors.md")).map(([code, hop]) => [code, hop]);
  expect(rows).toEqual(frameErrorCodes.map((code) => [code, hopOf(code)]));
});

test("the table of limits has every bound with its value, and no other", () => {
  const rows = tableUnder("The gateway", read("limits.md")).map(([name, value = ""]) => [
    name,
    Number(value.replaceAll(",", "")),
  ]);
  expect(Object.fromEntries(rows)).toEqual({ ...gatewayLimits });
});

test("the table of a write schedule's bounds has every one with its value", () => {
  const rows = tableUnder("Write schedules", read("limits.md"));
  const values = rows.map(([name, value = ""]) => [name, Number(value.replaceAll(",", ""))]);
  expect(Object.fromEntries(values)).toEqual({ scheduleStepsMax, scheduleMsMax, slowReadMsMax, slowReadBytesMax });
});

test("every example is a frame that both ends accept", () => {
  const examples = [...document.matchAll(/^(→|←) (\{.*\})$/gm)];
  expect(examples.length).toBeGreaterThanOrEqual(10);
  for (const [line, arrow, text = ""] of examples) {
    const decoded = arrow === "→" ? decodePageFrame(text) : decodeGatewayFrame(text);
    expect([line, decoded]).toEqual([line, { frame: expect.anything() }]);
  }
});

test("names the subprotocol, and numbers its rules without a gap", () => {
  expect(document).toContain(subprotocol);
  const rules = [...document.matchAll(/^## \[G-(\d+)\]/gm)].map(([, number]) => Number(number));
  expect(rules).toEqual(rules.map((_, at) => at + 1));
});
