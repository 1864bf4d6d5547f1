/** Every bound of a history on NATS JetStream. */

/** The oldest nats-server that is trusted: older ones lose acknowledged messages when a node loses power. */
export const natsVersionLeast = "2.10.27";

/** Milliseconds for the answer to whether the cluster has a majority; less than a gateway gives a server to say that it is ready. */
export const majorityTimeoutMs = 1500;

/** Milliseconds without a sign after which a copy of the stream counts as out of reach: its leader hears it each second. */
export const silentPeerMs = 5000;

/** Copies of each message in the cluster, when three or more servers are named. */
export const replicasDefault = 3;

/** Milliseconds for the first connection, and for each request to the cluster. */
export const requestTimeoutMs = 5000;

/** Milliseconds for a connection to one of several nodes. */
export const connectTimeoutMs = 2000;

/** Milliseconds in which a node must speak that is to be connected to instead of another one. */
export const nodeSpeaksMs = 500;

/** Milliseconds between two pings to the node that is connected; it is left when it does not answer the second of them. */
export const pingMs = 1000;

/** Milliseconds for which a server that starts stays with a node that answers and is not ready, before it tries the next one. */
export const startNodeMs = 3000;

/** Milliseconds after which a server that starts gives up, when no node that answers has been ready. */
export const startMsMax = 20_000;

/**
 * Milliseconds for each request about a consumer. The cluster may give one to a node of whose death it does not know yet,
 * and then nobody answers; the next one may be given to another node, so several must fit into `askMsMax`.
 */
export const consumerTimeoutMs = 1000;

/** Milliseconds without an answer after which another consumer is asked for beside the one before. */
export const consumerHedgeMs = 200;

/** Consumers that are asked for at once, where one is needed. */
export const consumersAtOnceMax = 5;

/** Milliseconds after which the cluster forgets a consumer that is not used: one that came too late, or whose server died. */
export const consumerForgottenMs = 30_000;

/** Milliseconds for which the cluster is asked again for what it did not answer. */
export const askMsMax = 14_000;

/** Milliseconds until it is asked again. */
export const askAgainMs = 50;

/**
 * Milliseconds without an answer after which another node is connected to: that of before may be cut off from the others.
 * Where it is an election that takes so long, going elsewhere does no harm.
 */
export const elsewhereMs = 3000;

/** Milliseconds between two attempts to connect again. */
export const reconnectWaitMs = 250;

/** Milliseconds after which a publish that was not acknowledged is sent again, under the same id. */
export const publishRetryMs = 2000;

/** Milliseconds until a publish is sent again that nobody was there to take. */
export const publishRefusedRetryMs = 100;

/** Milliseconds after which it is, while the cluster acknowledges nothing: what a node took that froze then is lost. */
export const publishStalledRetryMs = 250;

/** Milliseconds after which a line that the cluster did not acknowledge is given up and its request gets an error. */
export const publishDeadlineMs = 14_000;

/** Milliseconds after which lines that the cluster has are asked for anew, of another node: that of before may be stuck. */
export const seenRetryMs = 2000;

/** Milliseconds after which a line that the cluster has, and this server cannot see, gets an error all the same. */
export const seenDeadlineMs = 14_000;

/** Publishes on their way at once; further ones wait. */
export const publishesInFlightMax = 1024;

/** Publishes that wait; one more is refused. */
export const publishesWaitingMax = 16_384;

/** Nanoseconds for which the stream remembers ids: longer than any publish is tried. */
export const duplicateWindowNanos = 120_000_000_000;

/** Milliseconds for which the cluster keeps a request for new lines; then the client asks again. */
export const consumeMs = 20_000;

/** Milliseconds of silence after which the cluster shows that it still knows of the request. */
export const heartbeatMs = 500;

/** Times that a delete is tried again because another one came first. */
export const deleteAttemptsMax = 100;

/** Messages that are asked of the cluster at a time. */
export const batchMessages = 500;

/** Milliseconds to wait for such a batch. */
export const batchWaitMs = 2000;

/** Bytes of the newest lines that are kept for feeds that are at the end. */
export const recentBytesMax = 4 * 1024 * 1024;

/** Newest lines whose position is remembered for an acknowledgement that is still on its way. */
export const recentLinesMax = 65_536;

/** Lines after which a server notes how many bytes there are, so that the next one to start need not count them. */
export const checkpointLines = 50_000;

/** Times that a server which starts looks at the stream again because lines were erased meanwhile. */
export const loadAttemptsMax = 8;

/** Milliseconds from a delete to the erasing of its message: readers that began before have said so by then. */
export const eraseGraceMs = 2000;

/** Milliseconds after which the erasing that another server left undone is taken over. */
export const eraseTakeoverMs = 10_000;

/** Milliseconds for which a server knows of a line that was erased. */
export const erasedKnownMs = 60_000;

/** Milliseconds between two looks at what is to be erased. */
export const eraseIntervalMs = 250;

/** Milliseconds between two looks at how far this server's readers have come. */
export const leaseIntervalMs = 500;

/** Milliseconds after which a server repeats how far its readers have come, though that has not changed. */
export const leaseRepeatMs = 4000;

/** Milliseconds after which a server that was not heard of is no longer waited for. */
export const leaseTimeoutMs = 15_000;

/** Milliseconds after which a name that was taken and never confirmed may be taken by another. */
export const pendingUserMs = 30_000;

/** Lines of an import that are on their way at once. */
export const importBatchLines = 1000;
