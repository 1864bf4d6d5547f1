/**
 * What a file `NAME.fault.ts` exports as `faultTest`: a promise, many attempts to break it, and negative controls.
 *
 * A negative control proves that the fault test would notice: it makes the same attempts against a program that is
 * broken on purpose, a mutant of `../mutants.ts`. A control without a violation is a failure of the fault test.
 */

import type { Random } from "../../../test-support/random.ts";
import type { MutantName } from "../mutants.ts";

/** A promise and its trial. */
export interface FaultTest {
  /** What is promised, as a sentence. */
  readonly promise: string;
  /** What is counted, in the plural: `kills`, `requests`. */
  readonly unit: string;
  /** How many of them while developing. */
  readonly first: number;
  /** How many in CI, where `first` takes too long. */
  readonly ci?: number;
  /** How many before a release. */
  readonly full: number;
  /** Whether `--ci` runs it: it takes only seconds, and a busy machine cannot make it fail. */
  readonly isInCi: boolean;
  /** Programs of the system, and `root`, without which it cannot run. */
  readonly needs: readonly string[];
  readonly negativeControls: readonly NegativeControl[];
  run(trial: Trial): Promise<Finding>;
}

/** The same trial of a broken program: a mutant, or `what` the trial itself breaks (see `Trial.isControl`). */
export type NegativeControl = ({ readonly mutant: MutantName } | { readonly what: string }) & {
  /** How many attempts it gets: as few as show the fault for certain. */
  readonly count: number;
};

/** One run of a fault test, or of one of its negative controls. */
export interface Trial {
  /** How many attempts to make. */
  readonly count: number;
  readonly random: Random;
  /** A folder of this trial's own, removed afterwards. */
  readonly folder: string;
  /** Arguments of Node before the program's path, which make a mutant of it. Every program under test gets them. */
  readonly nodeArgs: readonly string[];
  readonly isControl: boolean;
  /** Prints on standard error how many attempts are made. */
  readonly progress: (done: number) => void;
}

/** What a trial found. */
export interface Finding {
  /** How many attempts were made. */
  readonly tried: number;
  /** What was checked and how much of it, as it stands in the report: `48,112 acknowledged lines checked`. */
  readonly checked: string;
  /** Each violation of the promise, as a sentence; empty when it held. */
  readonly violations: readonly string[];
  /** What was measured as well, with units in the names: `{ rssMiB: 91 }`. */
  readonly figures?: Readonly<Record<string, number | string>>;
}
