/** Lines of a written scenario that are likely to differ in the next play, with the looser form that a comment proposes. */

export interface VaryingLine {
  /** Of the expectation itself, from 1; the comment stands above it. */
  readonly line: number;
  /** Such as `a date`. */
  readonly what: string;
  readonly loose: string;
}

const proposal = /^# varies\? (?<what>[^:]+): (?<loose>.+)$/u;

export function varyingLines(text: string): readonly VaryingLine[] {
  const lines = text.split("\n");
  return lines.flatMap((each, at) => {
    const { what, loose } = proposal.exec(each)?.groups ?? {};
    return what === undefined || loose === undefined ? [] : [{ line: at + 2, what, loose }];
  });
}

/** The text with the proposals carried out; their comments go. */
export function loosen(text: string, chosen: readonly VaryingLine[]): string {
  const looseAt = new Map(chosen.map(({ line, loose }) => [line, loose]));
  const lines = text.split("\n").map((each, at) => looseAt.get(at + 1) ?? each);
  return lines.filter((_, at) => !looseAt.has(at + 2)).join("\n");
}
