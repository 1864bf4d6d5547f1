export { abort } from "./abort.ts";
export {
  decodeHostPort,
  describeEndpoint,
  describeHostPort,
  endpointOf,
  isLoopback,
  networkOf,
  normalizeAddress,
  readNetwork,
} from "./addresses.ts";
export type { HostPort } from "./addresses.ts";
export { Deadline } from "./deadline.ts";
export { connectTimeout, ExchangeError, explain, ListenError, toListenError } from "./errors.ts";
export type { ExchangeErrorCode } from "./errors.ts";
export { Connection, writeCostBytes } from "./connection.ts";
export { connectTimeoutMsDefault, halfOpenMsDefault, replyTimeoutMsDefault } from "./connection-options.ts";
export type { ConnectionListener, ConnectionOptions, ConnectionOutcome } from "./connection-options.ts";
export { connectTarget } from "./open-socket.ts";
export { PemError, readCertificates, readKeyPair } from "./pem.ts";
export { encodeProxyHeader, proxyHeaderBytesMax, readProxyHeader } from "./proxy-header.ts";
export type { ProxiedConnection, ProxyHeaderReading } from "./proxy-header.ts";
export { describeTarget, lendsRights, parseTarget, parseTargetUrl, TargetError, tcpTarget } from "./target.ts";
export type { Target, TargetAddress, TlsAddress } from "./target.ts";
