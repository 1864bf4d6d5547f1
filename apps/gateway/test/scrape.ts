/** A gateway's metrics, as Prometheus reads them. */

import { expect } from "vitest";
import type { Gateway } from "./gateway-fixture.ts";

/** What `/metrics` said. */
export interface Scraped {
  /** `counter`, `gauge` or `histogram`, by the name that the type is declared for. */
  readonly kinds: ReadonlyMap<string, string>;
  /** Values by name and labels, as the line has them. */
  readonly samples: ReadonlyMap<string, number>;
  /** The labels of a sample's name, where a sample of it was there. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
}

export async function scrape(gateway: Gateway): Promise<Scraped> {
  const answer = await fetch(`http://${gateway.host}/metrics`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  const kinds = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", kind = ""]) => [name, kind] as const);
  const samples = [...text.matchAll(/^([^#\s].*) (\S+)$/gm)].map(
    ([, key = "", value = ""]) => [key, Number(value)] as const,
  );
  return { kinds: new Map(kinds), samples: new Map(samples), labels: labelsOf(samples.map(([key]) => key)) };
}

function labelsOf(keys: readonly string[]): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>();
  for (const key of keys) {
    const [, name = "", rest = ""] = /^(\w+)(?:\{(.*)\})?$/.exec(key) ?? [];
    const known = labels.get(name) ?? new Set();
    for (const [, label = ""] of rest.matchAll(/(\w+)="/g)) known.add(label);
    labels.set(name, known);
  }
  return labels;
}
