import type { ExchangeErrorCode } from "@wirebook/net";

/** Why there is no whole reply: the network's reasons, and a server that closed without a word. */
type FailureCode = ExchangeErrorCode | "empty-reply";

/** How an exchange came out. */
export type Outcome =
  | { readonly kind: "answered"; readonly isError: boolean }
  | { readonly kind: "failed"; readonly code: FailureCode; readonly sentence: string }
  | { readonly kind: "interrupted" };
