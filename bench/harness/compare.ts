/**
 * Programs measured against a baseline: in turn, in one run, round after round.
 *
 * A machine is faster one minute and slower the next, so a figure by itself says little. What is kept of each round is
 * the ratio of each contender to the baseline of that same round; what is reported is the median of those ratios, with
 * the least and the greatest. Every second round goes the other way, so that no contender always comes first.
 */

/** Rounds of programs that stay up whose figures are thrown away. */
export const warmUpRounds = 3;

/** Something that can be measured. */
export interface Contender {
  readonly name: string;
  /** Starts it; it is disposed of behind the last round. */
  open(): Promise<Running>;
}

/** A contender that runs. */
interface Running extends AsyncDisposable {
  readonly port: number;
  /** Of its process; absent where there is none. */
  readonly pid?: number | undefined;
}

/** One contender's figures over all rounds. */
export interface Compared {
  readonly name: string;
  /** The median of its figures. */
  readonly figure: number;
  /** To the baseline of the same round. */
  readonly ratio: { readonly median: number; readonly least: number; readonly greatest: number };
}

/** What to compare and how often. */
export interface Comparison<Kind extends Contender> {
  readonly baseline: Kind;
  readonly contenders: readonly Kind[];
  readonly rounds: number;
  /** One measurement; more is better, so for a time give its inverse. */
  readonly measure: (running: Running, contender: Kind) => Promise<number>;
}

/** Runs the rounds; all programs are up all the time and only one of them is under load. */
export async function compare<Kind extends Contender>({
  baseline,
  contenders,
  rounds,
  measure,
}: Comparison<Kind>): Promise<Compared[]> {
  await using open = new AsyncDisposableStack();
  const all = [baseline, ...contenders];
  const running: Running[] = [];
  for (const contender of all) running.push(open.use(await contender.open()));
  const measureAt = (at: number): Promise<number> => measure(running[at] as Running, all[at] as Kind);
  // Programs that stay up are compared as they are once their compilers have seen the work.
  for (let round = 0; round < warmUpRounds; round++) for (const at of all.keys()) await measureAt(at);
  const names = all.map(({ name }) => name);
  // Awaited here: a promise that is merely returned would let the programs be stopped under the measurement.
  return await compareInTurn(names, rounds, measureAt);
}

/**
 * Measures what has no program that stays up, the first being the baseline.
 *
 * @param measure the figure of one of them; the ratio is that of figures, so of times a ratio below 1 is the better one
 */
export async function compareInTurn(
  names: readonly string[],
  rounds: number,
  measure: (at: number) => Promise<number>,
): Promise<Compared[]> {
  const figures = names.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    const order = names.map((_, at) => (round % 2 === 0 ? at : names.length - 1 - at));
    for (const at of order) figures[at]?.push(await measure(at));
  }
  return names.map((name, at) => describe(name, figures[at] as number[], figures[0] as number[]));
}

/** The middle of them; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

/** A Markdown table of a comparison, for the terminal and for bench/results. */
export function encodeTable(title: string, unit: string, compared: readonly Compared[]): string {
  const rows = compared.map(({ name, figure, ratio }) => {
    const { median: middle, least, greatest } = ratio;
    const range = `${least.toFixed(2)} to ${greatest.toFixed(2)}`;
    return `| ${name} | ${figure.toLocaleString("en", { maximumFractionDigits: 1 })} | ${middle.toFixed(2)} | ${range} |`;
  });
  return [`| ${title} | ${unit} | ratio | in all rounds |`, "| --- | --- | --- | --- |", ...rows, ""].join("\n");
}

function describe(name: string, figures: readonly number[], baseline: readonly number[]): Compared {
  const ratios = figures.map((figure, round) => figure / (baseline[round] as number));
  const ratio = { median: median(ratios), least: Math.min(...ratios), greatest: Math.max(...ratios) };
  return { name, figure: median(figures), ratio };
}
