/** What writers were told, held against the lines that all servers give in the end. */

import { decodeEntry } from "@wirebook/protocol";

/** What a line begins with that was there before the trial. */
export const oldLine = "old line ";

const keyForm = /^w(?<writer>\d+)-(?<number>\d+)$/;

/** Keeps the books over all that happens to a cluster. Keys are `w3-17`: the seventeenth request of writer 3. */
export class Counters {
  readonly #acknowledged = new Set<string>();
  readonly #sent = new Set<string>();

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  send(key: string): void {
    this.#sent.add(key);
  }

  acknowledge(key: string): void {
    this.#acknowledged.add(key);
  }

  /** Each violation as a sentence: first what was acknowledged and is lost, then what stands twice, what is out of its order. */
  judge(text: string): string[] {
    const violations: string[] = [];
    const seen = new Set<string>();
    const last = new Map<string, number>();
    let lastTime = "";
    for (const line of text.split("\n").slice(0, -1)) {
      const entry = decodeEntry(line);
      if (entry.kind === "foreign") {
        if (line.startsWith(oldLine)) continue;
        violations.push(`a line that nobody wrote: ${line}`);
        continue;
      }
      if (entry.time <= lastTime) violations.push(`the time of ${line} is not past ${lastTime}`);
      lastTime = entry.time;
      const { writer, number } = (entry.kind === "asked" ? keyForm.exec(entry.message)?.groups : undefined) ?? {};
      if (writer === undefined) continue;
      const key = `w${writer}-${number}`;
      if (seen.has(key)) violations.push(`${key} stands twice`);
      if (!this.#sent.has(key)) violations.push(`${key} was never sent`);
      if (Number(number) <= (last.get(writer) ?? 0)) violations.push(`${key} is out of its writer's order`);
      last.set(writer, Number(number));
      seen.add(key);
    }
    const lost = [...this.#acknowledged].filter((key) => !seen.has(key));
    return [...lost.map((key) => `${key} was acknowledged and is lost`), ...violations];
  }
}
