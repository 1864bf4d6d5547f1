/** What a file `NAME.bench.ts` exports as `bench`. */
export interface Bench {
  /** What is compared, as a sentence. */
  readonly question: string;
  /** Measures and prints; throws when something that should run does not. */
  run(options: BenchOptions): Promise<void>;
}

/** What may be said on the command line. */
export interface BenchOptions {
  /** Rounds of each comparison. */
  readonly rounds: number;
  /** Seconds of load in one measurement. */
  readonly seconds: number;
  /** Prints lines, at once. */
  readonly say: (text: string) => void;
}
