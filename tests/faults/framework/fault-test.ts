/**
 * What a file `NAME.fault.ts` exports as `faultTest`: a promise, a way to try to break it, and a proof that the
 * trying would notice.
 *
 * That proof is the control: the same trial against a program that is broken on purpose, by a module of `breaks/` that
 * Node loads before the program (`--import`). A control that holds is a failure of the fault test: it could not have
 * found anything.
 */

import type { Random } from "../../../bench/harness/random.ts";

/** A promise and its trial. */
export interface FaultTest {
  /** What is promised, as a sentence. */
  readonly promise: string;
  /** What is counted, in the plural: `kills`, `requests`. */
  readonly unit: string;
  /** How many of them while developing. */
  readonly first: number;
  /** How many in CI, where the first number takes too long for that. */
  readonly ci?: number;
  /** How many before a release. */
  readonly full: number;
  /** True when `--ci` runs it: it is over within seconds. */
  readonly isInCi: boolean;
  /** Programs of the system, and `root`, without which it cannot run. */
  readonly needs: readonly string[];
  readonly controls: readonly Control[];
  run(trial: Trial): Promise<Finding>;
}

/** A program that is broken on purpose. */
export interface Control {
  /** What is broken, as it stands behind "with": `a delete that rewrites in place`. */
  readonly name: string;
  /** The module of `breaks/` that breaks it, without `.ts`; absent when `run` breaks something itself (see `Trial.control`). */
  readonly break?: string;
  /** How many tries it gets; as few as show the fault surely. */
  readonly count: number;
}

/** One run of a fault test, or of one of its controls. */
export interface Trial {
  /** How many to try. */
  readonly count: number;
  readonly random: Random;
  /** A folder of this trial's own, removed afterwards. */
  readonly folder: string;
  /** Arguments of Node before the program's path, which break it in a control. Every program under trial gets them. */
  readonly nodeArgs: readonly string[];
  /** The name of the control, when it is one. */
  readonly control: string | undefined;
  /** Says how far it is, on standard error. */
  readonly progress: (done: number) => void;
}

/** What a trial found. */
export interface Finding {
  /** How many were tried. */
  readonly tried: number;
  /** What was checked and how much of it, as it stands in the report: `48,112 acknowledged lines checked`. */
  readonly checked: string;
  /** Each breach of the promise, as a sentence; empty when it held. */
  readonly breaches: readonly string[];
  /** What was measured beside, with units in the names: `{ rssMiB: 91 }`. */
  readonly figures?: Readonly<Record<string, number | string>>;
}
