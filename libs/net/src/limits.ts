/** Milliseconds until a connection must be established; beyond Linux's first two retransmits of a SYN (1 s, 3 s). */
export const connectTimeoutMsDefault = 5000;

/** Milliseconds without a byte from the server, while it is being read, after which an exchange is given up. */
export const replyTimeoutMsDefault = 15_000;

/** Milliseconds of silence after which the kernel asks whether the server of an exchange without timeout still lives. */
export const keepAliveDelayMs = 30_000;
