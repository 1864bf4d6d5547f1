/** How plays went: a line for people, JSON for programs, and JUnit XML for what runs tests. */

import { plainText } from "@wirebook/protocol";
import { encodeJson, millisecondsSince } from "../output/trace-json.ts";
import type { Played } from "./play.ts";

/** `smtp.wire: held, 12 steps, 84 ms`, or where it ended and why; without a line feed. */
export function reportLine({
  file,
  scenario,
  ms,
  outcome,
}: Pick<Played, "file" | "scenario" | "ms" | "outcome">): string {
  const { verdict, line, message = "" } = outcome;
  const { length } = scenario.steps;
  const how = verdict === "held" ? `held, ${length} ${length === 1 ? "step" : "steps"}, ${Math.round(ms)} ms` : message;
  return plainText(`${file}${line === undefined ? "" : `:${line}`}: ${how}`);
}

/** The same, with each step that was taken. */
export function reportJson({ file, target, outcome, ms, results, record }: Played): string {
  const { verdict, line = null, message = null } = outcome;
  const steps = results.map(({ step, atMs, ...result }) => ({
    line: step.line,
    source: step.source,
    ms: millisecondsSince(record, atMs),
    ...result,
  }));
  const rounded = Number(ms.toFixed(3));
  return encodeJson({ type: "play", file, target: target.name, verdict, line, message, ms: rounded, steps });
}

/** A test case for each scenario. What could not be tried counts as an error, what was not as expected as a failure. */
export class JunitReport {
  readonly #cases: string[] = [];
  readonly #counts = { failure: 0, error: 0 };
  #ms = 0;

  add(played: Pick<Played, "file" | "scenario" | "ms" | "outcome">): void {
    const { file, ms, outcome } = played;
    const { verdict } = outcome;
    this.#ms += ms;
    const start = `<testcase classname="wirebook.play" name="${escapeXml(file)}" time="${seconds(ms)}"`;
    if (verdict === "held") return void this.#cases.push(`${start}/>`);
    const kind = verdict === "failed" || verdict === "timed-out" ? "failure" : "error";
    this.#counts[kind] += 1;
    this.#cases.push(`${start}><${kind} type="${verdict}" message="${escapeXml(reportLine(played))}"/></testcase>`);
  }

  get xml(): string {
    const { failure, error } = this.#counts;
    const counts = `tests="${this.#cases.length}" failures="${failure}" errors="${error}" time="${seconds(this.#ms)}"`;
    const suite = [`<testsuite name="wirebook play" ${counts}>`, ...this.#cases, "</testsuite>"];
    return `<?xml version="1.0" encoding="UTF-8"?>\n${suite.join("\n")}\n`;
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Without the two characters of Unicode that XML 1.0 excludes beside the control characters, which are escaped. */
function escapeXml(text: string): string {
  return plainText(text)
    .replaceAll(/[&<>"]/g, (character) => entities[character] ?? "")
    .replaceAll(/[\uFFFE\uFFFF]/g, "\uFFFD");
}
