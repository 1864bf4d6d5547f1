/** deploy/grafana-dashboard.json against what a gateway really says of itself, and against the form that Grafana imports. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openEcho, openPage, refusedPage } from "./gateway-fixture.ts";
import { exchange, openListening } from "./listening-fixture.ts";
import { scrape } from "./scrape.ts";
import type { Scraped } from "./scrape.ts";

/** What of Grafana's dashboard model (kinds/dashboard in its repository, schemaVersion 39) this file uses. */
interface Dashboard {
  readonly title: string;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly targets: readonly Target[];
}

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
}

const source = readFileSync(new URL("../../../deploy/grafana-dashboard.json", import.meta.url), "utf8");
const dashboard = JSON.parse(source) as Dashboard;
const targets = dashboard.panels.flatMap((panel) => panel.targets);
/** Those that Prometheus adds to every sample. */
const scrapeLabels = ["instance", "job"];

/** The metrics of a gateway to which everything that is counted with a label has happened. */
async function metricsNow(): Promise<Scraped> {
  await using echo = await openEcho();
  await using gateway = await openListening(echo.target);
  await exchange(gateway.listenPort, "brick");
  await refusedPage(gateway, { origin: "http://evil.example" });
  await using page = await openPage(gateway);
  await page.ask({ type: "request", id: 1, user: "brick" });
  page.start({ type: "request", id: 2, user: "two words" });
  await page.error("message-invalid");
  return await scrape(gateway);
}

/** The names of metrics in an expression. */
function namesIn(expr: string): string[] {
  return expr.match(/\b(?:wirebook|process|nodejs)_\w+/g) ?? [];
}

/** The labels by which an expression groups, matches or selects. */
function labelsIn(expr: string): string[] {
  const lists = [...expr.matchAll(/\b(?:by|on|without|ignoring|group_left) ?\(([^)]*)\)|\{([^}]*)\}/g)];
  return lists.flatMap(([, list = "", selector = ""]) => [
    ...(list.match(/\w+/g) ?? []),
    ...[...selector.matchAll(/(\w+) ?[=!]/g)].map(([, label = ""]) => label),
  ]);
}

test("asks for metrics that there are, and for every one of the gateway's", async () => {
  const { kinds, samples } = await metricsNow();
  const names = new Set([...samples.keys()].map((key) => key.replace(/\{.*/, "")));
  const asked = targets.flatMap(({ expr }) => namesIn(expr));
  expect(asked.filter((name) => !names.has(name))).toEqual([]);
  const own = [...kinds.keys()].filter((name) => name.startsWith("wirebook_"));
  expect(own.length).toBeGreaterThan(5);
  expect(own.filter((name) => !asked.some((each) => each.startsWith(name)))).toEqual([]);
});

test("groups by labels that those metrics have, and its legends name no other", async () => {
  const { labels } = await metricsNow();
  for (const { expr, legendFormat } of targets) {
    const known = new Set([...scrapeLabels, ...namesIn(expr).flatMap((name) => [...(labels.get(name) ?? [])])]);
    const grouped = labelsIn(expr);
    expect(
      grouped.filter((label) => !known.has(label)),
      expr,
    ).toEqual([]);
    const kept = expr.includes(" by ") ? grouped : [...known];
    const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
    expect(
      shown.filter((label) => !kept.includes(label)),
      legendFormat,
    ).toEqual([]);
  }
});

test("asks for the rate of what only grows, and for nothing else's", async () => {
  const { kinds } = await metricsNow();
  for (const { expr } of targets) {
    for (const name of namesIn(expr)) {
      const kind = kinds.get(name) ?? kinds.get(name.replace(/_(bucket|sum|count)$/, ""));
      const isRate = expr.includes(`rate(${name}[`);
      expect({ name, isRate }).toEqual({ name, isRate: kind !== "gauge" });
    }
  }
});

test("has the form that Grafana imports", () => {
  expect(dashboard.title).not.toBe("");
  expect(dashboard.uid).toMatch(/^[\w-]{8,40}$/);
  expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
  const variables = dashboard.templating.list.filter(({ type }) => type === "datasource").map(({ name }) => name);
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const cells = new Set<string>();
  for (const { title, type, gridPos, datasource, targets: own } of dashboard.panels) {
    const { x, y, w, h } = gridPos;
    expect({ title, type, isWithin: x >= 0 && w > 0 && h > 0 && x + w <= 24 }).toMatchObject({
      type: "timeseries",
      isWithin: true,
    });
    for (let at = 0; at < w * h; at++) {
      const cell = `${x + (at % w)},${y + Math.floor(at / w)}`;
      expect(cells.has(cell), `${title} lies over another panel at ${cell}`).toBe(false);
      cells.add(cell);
    }
    expect(datasource.type).toBe("prometheus");
    expect(variables.map((name) => `\${${name}}`)).toContain(datasource.uid);
    expect(new Set(own.map(({ refId }) => refId)).size).toBe(own.length);
    for (const { refId, expr } of own) {
      expect(refId).toMatch(/^[A-Z]$/);
      expect(expr.split("(").length).toBe(expr.split(")").length);
    }
  }
});
