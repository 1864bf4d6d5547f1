export { abort } from "./abort.ts";
export { describeEndpoint, describeHostPort, isLoopback, networkOf, normalizeAddress } from "./addresses.ts";
export type { HostPort } from "./addresses.ts";
export { Deadline } from "./deadline.ts";
export { ExchangeError, ListenError, toListenError } from "./errors.ts";
export type { ExchangeErrorCode } from "./errors.ts";
export {
  Connection,
  connectTimeoutMsDefault,
  halfOpenMsDefault,
  replyTimeoutMsDefault,
  writeCostBytes,
} from "./connection.ts";
export type { ConnectionListener, ConnectionOptions, ConnectionOutcome } from "./connection.ts";
export { PemError, readCertificates, readKeyPair } from "./pem.ts";
export { encodeProxyHeader, proxyHeaderBytesMax, readProxyHeader } from "./proxy-header.ts";
export type { ProxiedConnection, ProxyHeaderReading } from "./proxy-header.ts";
export { describeTarget, lendsRights, parseTarget, parseTargetUrl, TargetError, tcpTarget } from "./target.ts";
export type { Target, TargetAddress, TlsAddress } from "./target.ts";
