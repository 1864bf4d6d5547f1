/**
 * What a lesson is: data. The learner predicts, the page carries out the orders, and the facts of the recorded streams
 * decide which choice was right and what is said. TCP may join and split, and a busy machine may be late, so each sentence
 * reads the facts, and there is one for every case. In a text, what stands between backticks is set as code.
 */

import type { ReadRate } from "@wirebook/protocol";
import type { Mark } from "../inspector/highlight.svelte.ts";
import type { Facts } from "./facts.ts";

/** What the page does on a stream so many milliseconds after the deed before it, or once bytes have come since then. */
export type Deed = { readonly after: number | "reply" } & (
  { readonly send: string } | { readonly do: "end" | "cancel" }
);

/** One stream of a run. All streams of a run begin at once, in their order. */
export interface LessonOrder {
  readonly name: string;
  /** `wirebook`, or a service of the lessons. */
  readonly target: string;
  /** What is sent first, each text in a write of its own, so many milliseconds apart; none to connect and only listen. */
  readonly writes: readonly string[];
  readonly gapMs?: number;
  /** True where FIN follows the one write at once. Otherwise it stays open until the target closes it, or a deed does. */
  readonly end?: boolean;
  readonly read?: ReadRate;
  /** Only behind one write: nothing can be added to a write schedule. */
  readonly deeds?: readonly Deed[];
  /** True where a refused, reset or silent target is what the lesson is about; elsewhere it spoils the run. */
  readonly mayFail?: boolean;
}

/** The facts of a run: one for each order, in their order. */
export type Runs = readonly Facts[];
export type OneRun = readonly [Facts];
export type TwoRuns = readonly [Facts, Facts];
export type ThreeRuns = readonly [Facts, Facts, Facts];

/** A sentence with the learner's own numbers, the order whose stream it is about, and what is lit of it. */
export interface Observation {
  readonly text: string;
  readonly run?: number;
  readonly mark?: Mark;
}

/** A part of the document that defines it: `RFC 9293`, `section 3.6.1`, and its own title. */
type Standard = Readonly<ReturnType<typeof rfc>>;

export interface Lesson<Answer extends string = string, Run extends Runs = Runs> {
  readonly intro: readonly string[];
  /** @param user the learner's name, with the key that it needs */
  readonly orders: (user: string) => { readonly [At in keyof Run]: LessonOrder };
  readonly question: string;
  /** The choices in their order, each with how it is repeated: “the first two”. */
  readonly choices: Readonly<Record<Answer, readonly [text: string, said: string]>>;
  answer(runs: Run): Answer;
  correct(runs: Run, predicted: Answer): string;
  /** The first one that has a run is shown in the inspector at once. */
  observe(runs: Run): readonly Observation[];
  readonly why: readonly string[];
  readonly standards: readonly Standard[];
}

export function rfc(number: number, section: string, title: string) {
  const url = `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`;
  return { name: `RFC ${number}`, section: `section ${section}`, title, url };
}

/** A function of POSIX.1-2017, whose pages have headings and no numbers. */
export function posix(name: string): Standard {
  const url = `https://pubs.opengroup.org/onlinepubs/9699919799/functions/${name}.html`;
  return { name: "POSIX.1-2017", section: `${name}()`, title: "Description", url };
}
