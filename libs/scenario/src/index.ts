export { compareStreams, compareTurn, foldLines } from "./compare.ts";
export type { ComparedLine, ComparedStream, Comparison, LinePair, Turn, TurnPair } from "./compare.ts";
export { describeEnds, nameOfTurn } from "./compare-summary.ts";
export { escapeText } from "./text.ts";
export { parseScenario } from "./parse-scenario.ts";
export { findValuesProblem, Player } from "./player.ts";
export type { Action, Pace, PlayerOptions, StepResult, Verdict } from "./player.ts";
export * from "./scenario.ts";
export { writeScenario } from "./write-scenario.ts";
