/**
 * The WebSocket of a page, and the streams that it carries, in frames of `wirebook.v2` [G-2]…[G-8].
 *
 * The page's frames come in here and become streams; each stream answers through the queue. A frame that is refused is
 * answered with an `error`; the WebSocket is closed only on a page that goes on sending such frames.
 */

import type { Target } from "@wirebook/net";
import { pageFrameBytesMax, streamIdMax } from "@wirebook/protocol";
import type { ListeningPort, PageFrame } from "@wirebook/protocol";
import { describeForbidden, mayUseTargets } from "../auth/roles.ts";
import type { GatewayLimits } from "../limits.ts";
import { PageFlows } from "../flows/page-flows.ts";
import type { FlowsPage } from "../flows/page-flows.ts";
import { Stream } from "../streams/stream.ts";
import type { StreamOwner, StreamRequest } from "../streams/stream.ts";
import { closeCodes, WebSocketConnection } from "./connection.ts";
import type { Client, ConnectionShared } from "./connection.ts";
import { announce, FrameError, RateLimiter, readBytes, readFrame, readStreamRequest } from "./page-frames.ts";
import { PageQueue } from "./send-queue.ts";

/** The connection of one page. */
export class PageConnection extends WebSocketConnection implements StreamOwner, FlowsPage {
  readonly queue: PageQueue;
  readonly #limiter: RateLimiter;
  readonly #isGuest: boolean;
  readonly #targets: ReadonlyMap<string, Target>;
  /** Created with the first stream: an idle page has none. */
  #createdTable: StreamTable | undefined;
  readonly address: string;
  readonly mayWatch: boolean;
  readonly onFaults: () => void;
  /** Created with the first frame about flows. */
  #createdFlows: PageFlows | undefined;
  /** Runs while a guest watches nothing. */
  #guestDeadline: NodeJS.Timeout | undefined;

  /**
   * @param targets by name, `wirebook` first where there is one
   * @param onFaults called when the page has changed the faults of a listening port
   */
  constructor(client: Client, targets: ReadonlyMap<string, Target>, shared: ConnectionShared, onFaults: () => void) {
    super(client, shared);
    this.address = client.address;
    this.#isGuest = client.identity.isGuest === true;
    this.mayWatch = client.mayWatch && !this.#isGuest;
    this.onFaults = onFaults;
    this.#limiter = new RateLimiter(shared.limits);
    this.#targets = targets;
    this.queue = new PageQueue(client.webSocket, client.socket, shared.limits, this);
    this.#greet();
    if (this.#isGuest) this.#awaitGuest();
  }

  override streams(): Stream[] {
    return this.#createdTable?.all() ?? [];
  }

  override get streamCount(): number {
    return this.#createdTable?.count ?? 0;
  }

  /** Ends follows and conversations, lets the other exchanges end, then closes. */
  override drain(): void {
    this.isDraining = true;
    const message = "the gateway is stopping; running exchanges may end, and new ones are refused";
    this.#sendError(this.#shuttingDown(null, message), performance.now());
    for (const stream of this.streams()) {
      if (stream.request.isFollow || stream.request.isConversation) stream.cancel();
    }
    this.#closeWhenDrained();
  }

  override onGone(): void {
    clearTimeout(this.#guestDeadline);
    this.#createdFlows?.close();
    for (const stream of this.streams()) stream.cancel();
  }

  override onFree(): void {
    super.onFree();
    this.onEmpty();
  }

  /** The page's machine has taken what waited. */
  onEmpty(): void {
    this.#createdFlows?.wake();
  }

  /** A presentation that this page viewed is over. */
  onViewEnd(): void {
    if (this.#isGuest) this.close(closeCodes.normal, "presented-end: the presentation is over");
  }

  /** Tells the page of the listening ports. */
  sendListening(): void {
    if (!this.#isGuest) this.queue.sendFrame({ type: "listening", listening: this.#listening });
  }

  onOver(stream: Stream): void {
    this.#table.remove(stream.id);
    this.shared.lessons.leave(stream);
    this.note(stream);
    this.#closeWhenDrained();
  }

  #greet(): void {
    const { version, limits, pool } = this.shared;
    this.queue.sendFrame({
      type: "hello",
      version,
      timeOrigin: performance.timeOrigin,
      targets: this.#isGuest ? [] : [...this.#targets.values()].map((target) => announce(target, this.proxyHeader)),
      lessons: mayUseTargets(this.identity.role) ? this.shared.lessons.announced : [],
      streamsMax: limits.streamsMax,
      connectionsMax: pool.slotsMax,
      socket: this.number,
      user: this.identity.user,
      role: this.identity.role,
      listening: this.#isGuest ? [] : this.#listening,
      mayWatch: this.mayWatch,
    });
  }

  get #listening(): ListeningPort[] {
    return [...this.shared.listening.ports];
  }

  #awaitGuest(): void {
    const { guestWatchMs } = this.shared.limits;
    const reason = `forbidden: no presentation was named within ${guestWatchMs / 1000} s; open the link again`;
    this.#guestDeadline = setTimeout(() => this.close(closeCodes.policyViolation, reason), guestWatchMs);
  }

  protected override take(data: Buffer, isBinary: boolean, receivedMs: number): void {
    // A relay takes larger messages, and `ws` has one limit for both.
    if (data.length > pageFrameBytesMax) {
      return this.close(closeCodes.tooBig, `a frame of ${data.length} bytes is over the limit of ${pageFrameBytesMax}`);
    }
    try {
      if (isBinary) this.#takeBytes(data);
      else this.#takeFrame(data.toString(), receivedMs);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#refuse(error, receivedMs);
    }
  }

  #takeBytes(data: Uint8Array): void {
    if (this.#isGuest) throw forbiddenForGuests();
    const frame = readBytes(data);
    const { id, bytes } = frame;
    if (id > streamIdMax) return this.#flows.takeBytes(frame);
    this.usedMs = performance.now();
    this.#table.findWritable(id)?.write(bytes);
  }

  #takeFrame(text: string, receivedMs: number): void {
    const frame = readFrame(text);
    if (this.#isGuest && !mayGuestSend(frame)) throw forbiddenForGuests();
    switch (frame.type) {
      case "clock":
        return this.queue.sendFrame({ type: "clock", at: frame.at, gatewayAt: receivedMs });
      case "cancel":
        return this.#table.find(frame.id)?.cancel();
      case "end":
        return this.#table.findWritable(frame.id)?.end();
      case "reset":
        return this.#reset(frame.id);
      case "request":
      case "connect":
        this.#table.expectNew(frame.id);
        this.usedMs = receivedMs;
        if (!mayUseTargets(this.identity.role)) {
          throw new FrameError("forbidden", frame.id, describeForbidden(this.identity));
        }
        return this.#start(readStreamRequest(frame, this.#targets, this.shared.lessons.targets, receivedMs));
      case "watch":
      case "unwatch":
      case "set-faults":
      case "present":
      case "unpresent":
      case "show":
      case "shown":
      case "select":
        this.#flows.takeFrame(frame);
        clearTimeout(this.#guestDeadline);
    }
  }

  get #flows(): PageFlows {
    return (this.#createdFlows ??= new PageFlows(this, this.shared));
  }

  #start(request: StreamRequest): void {
    const { id } = request;
    if (this.isDraining) throw this.#shuttingDown(id, "the gateway is stopping; connect again in a moment");
    const stream = new Stream(request, this, this.shared);
    this.#table.add(stream);
    this.shared.metrics.began(stream.record);
    const { lessons } = this.shared;
    if (this.#targets.has(request.target.name)) stream.start();
    else lessons.enter(stream);
  }

  #reset(id: number): void {
    if (this.#table.find(id)?.reset() !== false) return;
    throw new FrameError(
      "reset-impossible",
      null,
      `stream ${id} runs over a Unix socket, which has no RST; cancel it instead`,
    );
  }

  #refuse(error: FrameError, receivedMs: number): void {
    this.#sendError(error, receivedMs);
    if (error.id !== null) this.#table.remove(error.id);
    if (this.#isGuest) return this.close(closeCodes.policyViolation, `${error.code}: ${error.message}`);
    if (this.#limiter.allowsFault(error, receivedMs)) return;
    this.close(
      closeCodes.policyViolation,
      `${error.code}: too many faulty frames; see docs/reference/gateway-frames.md`,
    );
  }

  #shuttingDown(id: number | null, message: string): FrameError {
    return new FrameError("shutting-down", id, message, { retryAfterMs: this.shared.limits.retryStoppedMs });
  }

  protected override get missedPingsMax(): number {
    return 0;
  }

  protected override admit(nowMs: number): boolean {
    const error = this.#limiter.take(nowMs);
    if (error === undefined) return true;
    this.#sendError(error, nowMs);
    this.close(closeCodes.policyViolation, `${error.code}: ${error.message}`);
    return false;
  }

  #sendError(error: FrameError, receivedMs: number): void {
    this.shared.metrics.frameError(error.code);
    this.queue.sendFrame(error.toFrame(receivedMs));
  }

  #closeWhenDrained(): void {
    if (this.isDraining && this.streamCount === 0) this.abort();
  }

  get #table(): StreamTable {
    return (this.#createdTable ??= new StreamTable(this.shared.limits));
  }
}

/** A guest may name a presentation, and relate its times to the page's clock. */
function mayGuestSend(frame: PageFrame): boolean {
  return frame.type === "clock" || (frame.type === "watch" && frame.presentation !== undefined);
}

function forbiddenForGuests(): FrameError {
  return new FrameError("forbidden", null, "a guest may watch the presentation of a link, and nothing else");
}

/** The streams of one page, by its ids: those that run, and those that have just ended [G-5]. */
class StreamTable {
  readonly #limits: GatewayLimits;
  readonly #running = new Map<number, Stream>();
  /** The last ids to end, and those before; a set that drops its oldest one by one becomes slow with the gaps. */
  #endedIds = new Set<number>();
  #endedBeforeIds: ReadonlySet<number> = new Set();

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
  }

  /** How many run. */
  get count(): number {
    return this.#running.size;
  }

  /** Those that run, oldest first. */
  all(): Stream[] {
    return [...this.#running.values()];
  }

  /** @throws FrameError `id-in-use` */
  expectNew(id: number): void {
    if (!this.#running.has(id)) return;
    throw new FrameError("id-in-use", null, `stream ${id} still runs; give the new one another id`);
  }

  /** @throws FrameError `too-many-streams` */
  add(stream: Stream): void {
    const { streamsMax } = this.#limits;
    if (this.#running.size >= streamsMax) {
      const message = `${streamsMax} streams run on this WebSocket; wait until one of them ends`;
      throw new FrameError("too-many-streams", stream.id, message);
    }
    this.#running.set(stream.id, stream);
  }

  /** It has ended or was refused. Frames for it may still be on their way. */
  remove(id: number): void {
    this.#running.delete(id);
    if (this.#endedIds.size >= this.#limits.endedIdsMax) {
      this.#endedBeforeIds = this.#endedIds;
      this.#endedIds = new Set();
    }
    this.#endedIds.add(id);
  }

  /**
   * The stream with that id; `undefined` when it has just ended, so that the frame crossed its end on the way.
   *
   * @throws FrameError `id-unknown`
   */
  find(id: number): Stream | undefined {
    const stream = this.#running.get(id);
    if (stream !== undefined || this.#endedIds.has(id) || this.#endedBeforeIds.has(id)) return stream;
    throw new FrameError("id-unknown", null, `unknown stream ${id}; start it with a request or a connect frame`);
  }

  /**
   * The stream with that id, to which the page may still write.
   *
   * @throws FrameError `id-unknown`, or `frame-invalid` for a request, a write schedule, and a stream that the page has ended
   */
  findWritable(id: number): Stream | undefined {
    const stream = this.find(id);
    if (stream === undefined) return undefined;
    const problem = findWriteProblem(stream);
    if (problem === undefined) return stream;
    throw new FrameError("frame-invalid", null, `stream ${id} ${problem}`);
  }
}

function findWriteProblem({ request, isEnded }: Stream): string | undefined {
  if (!request.isConversation) return "is a request, which is one line; send more with a connect frame";
  if (request.schedule !== undefined) return "follows its write schedule; nothing can be added to it";
  return isEnded ? "was ended by this page; nothing can follow its FIN" : undefined;
}
