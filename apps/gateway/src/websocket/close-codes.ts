/** The codes with which the gateway closes a WebSocket [G-10] (RFC 6455, section 7.4.1, and the IANA registry). */
export const closeCodes = {
  goingAway: 1001,
  policyViolation: 1008,
  internalError: 1011,
  tryAgainLater: 1013,
} as const;
