export { ExchangeError } from "./errors.ts";
export type { ExchangeErrorCode } from "./errors.ts";
export { Exchange } from "./exchange.ts";
export type { ExchangeListener, ExchangeOptions } from "./exchange.ts";
export { describeEndpoint, describeTarget } from "./explain.ts";
export type { Target } from "./explain.ts";
export { connectTimeoutMsDefault, replyTimeoutMsDefault } from "./limits.ts";
export { Trace } from "./trace.ts";
