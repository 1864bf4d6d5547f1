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
export { Connection, connectTimeoutMsDefault, replyTimeoutMsDefault } from "./connection.ts";
export type { ConnectionListener, ConnectionOptions, ConnectionOutcome } from "./connection.ts";
export { Deadline } from "./deadline.ts";
export { connectTimeout, ExchangeError, explain, InputError, ListenError, toListenError } from "./errors.ts";
export type { ExchangeErrorCode } from "./errors.ts";
export { abort, connectTarget } from "./open-socket.ts";
export { readCertificates, readKeyPair } from "./pem.ts";
export { encodeProxyHeader, proxyHeaderBytesMax, readProxyHeader } from "./proxy-header.ts";
export { describeTarget, lendsRights, parseTarget, parseTargetUrl, tcpTarget } from "./target.ts";
export type { Target } from "./target.ts";
