/**
 * Which items of two lists belong together: those of a longest common subsequence.
 *
 * It is looked for among `windowItems` items of each list at once, and anew behind those. So time and memory are bounded, and
 * lists that are shifted further against each other are aligned less well.
 */

/** The memory grows with its square, and the time with it and the length of the lists. */
const windowItems = 1000;

/** The places of two items that stand beside each other; one of them is absent where the other list has no counterpart. */
type Aligned = readonly [one: number | undefined, other: number | undefined];

/** All items of both lists, each once and in order. Between equal ones, those that differ are paired in their order. */
export function alignLists(one: readonly string[] = [], other: readonly string[] = []): readonly Aligned[] {
  // Of several longest subsequences the same is found whichever list is the first one.
  if (one.join("\u{ffff}") > other.join("\u{ffff}"))
    return alignLists(other, one).map(([place, second]) => [second, place]);
  const aligned: Aligned[] = [];
  let [at, otherAt] = [0, 0];
  const fill = (to: number, otherTo: number): void => {
    while (at < to || otherAt < otherTo) {
      aligned.push([at < to ? at++ : undefined, otherAt < otherTo ? otherAt++ : undefined]);
    }
  };
  for (const [place, otherPlace] of commonPairs(one, other)) {
    fill(place, otherPlace);
    fill(place + 1, otherPlace + 1);
  }
  fill(one.length, other.length);
  return aligned;
}

/** The places of equal items, rising in both lists. */
function commonPairs(texts: readonly string[], otherTexts: readonly string[]): readonly (readonly [number, number])[] {
  // Long texts are compared once, and not with each of the others.
  const known = new Map([...texts, ...otherTexts].map((text, number) => [text, number]));
  const [one, other] = [texts.map((text) => known.get(text)), otherTexts.map((text) => known.get(text))];
  const pairs: [number, number][] = [];
  let [at, otherAt] = [0, 0];
  while (at < one.length && otherAt < other.length) {
    const [from, otherFrom, end, otherEnd] = [at, otherAt, at + windowItems, otherAt + windowItems];
    const lengths = commonLengths(one.slice(at, end), other.slice(otherAt, otherEnd));
    while (at < Math.min(end, one.length) && otherAt < Math.min(otherEnd, other.length)) {
      const [i, j] = [at - from, otherAt - otherFrom];
      if (one[at] === other[otherAt]) pairs.push([at++, otherAt++]);
      else if ((lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0)) at += 1;
      else otherAt += 1;
    }
  }
  return pairs;
}

/** How many items the rests of both lists have in common, from each pair of places on. */
function commonLengths(one: readonly unknown[], other: readonly unknown[]): readonly Uint16Array[] {
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let i = one.length - 1; i >= 0; i--) {
    const [row, next] = [lengths[i] as Uint16Array, lengths[i + 1] as Uint16Array];
    for (let j = other.length - 1; j >= 0; j--) {
      row[j] = one[i] === other[j] ? (next[j + 1] ?? 0) + 1 : Math.max(next[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}
