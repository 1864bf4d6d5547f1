import type { ConnectionOutcome, ExchangeErrorCode } from "@wirebook/net";

/** Why there is no whole reply: the network's reasons, and a server that closed without a word. */
type FailureCode = ExchangeErrorCode | "empty-reply";

/** How an exchange came out. */
export type Outcome =
  | { readonly kind: "answered"; readonly isError: boolean }
  | { readonly kind: "failed"; readonly code: FailureCode; readonly sentence: string }
  | { readonly kind: "interrupted" };

/** What the end of a connection means, as far as nothing else is known. */
export function toOutcome(how: ConnectionOutcome): Outcome {
  if (!("reason" in how)) return { kind: "failed", code: how.code, sentence: how.message };
  return how.reason === "fin" ? { kind: "answered", isError: false } : { kind: "interrupted" };
}

/** What the process says of itself when it ends. */
export const exitCodes = {
  done: 0,
  serverError: 1,
  /** Of a scenario. */
  expectationFailed: 1,
  /** Of `wirebook compare`. */
  different: 1,
  usage: 2,
  unreachable: 3,
  timedOut: 4,
  /** A fault of this program, as BSD's sysexits has it. */
  fault: 70,
  /** 128 and the number of SIGINT. */
  interrupted: 130,
} as const;

/** The exit code of a run that held this one exchange. */
export function exitCodeOf(outcome: Outcome): number {
  switch (outcome.kind) {
    case "answered":
      return outcome.isError ? exitCodes.serverError : exitCodes.done;
    case "failed":
      return outcome.code === "connect-timeout" || outcome.code === "reply-timeout"
        ? exitCodes.timedOut
        : exitCodes.unreachable;
    case "interrupted":
      return exitCodes.interrupted;
  }
}
