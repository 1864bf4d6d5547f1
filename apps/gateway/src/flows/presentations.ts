/**
 * Presentations: what pages show of their own streams to those who hold a link [G-16].
 *
 * A presentation is a small log with its own watchers. Two secrets go with it, and both are only in memory. The presenter
 * holds the key. Its hash is the token, which is in the link: whoever has that may watch this presentation, and can neither
 * go on with it nor see anything else. It ends when its presenter says so, or has been away for too long: a reload is no end.
 */

import { hash, randomBytes } from "node:crypto";
import { flowIdMin, timeMsMax } from "@wirebook/protocol";
import type { ByteFrame, FlowHead, PageFrame, StreamHead } from "@wirebook/protocol";
import { GuessLimiter } from "../auth/guess-limiter.ts";
import type { GatewayLimits } from "../limits.ts";
import { FrameError } from "../websocket/page-frames.ts";
import { FrameLog } from "./frame-log.ts";
import type { LoggedFlow } from "./frame-log.ts";
import { Watchers } from "./watcher.ts";

const keyBytes = 16;
const tokenCharacters = 22;

/** Bytes of the log of a presentation. */
const presentationBytesMax = 8 * 1024 * 1024;

/** Whoever is told about a presentation. */
export interface PresentationListener {
  /** The number of viewers, or the selection, has changed. */
  onPresentation(presentation: Presentation): void;
  /** It is over. */
  onPresentationEnd(presentation: Presentation): void;
}

/** The presentations of one gateway. */
export class Presentations {
  readonly #limits: GatewayLimits;
  readonly #byToken = new Map<string, Presentation>();
  readonly #guesses: GuessLimiter;
  readonly #onGap: () => void;

  /** @param onGap called each time that a viewer was so slow that frames are missing */
  constructor(limits: GatewayLimits, onGap: () => void) {
    this.#limits = limits;
    this.#onGap = onGap;
    this.#guesses = new GuessLimiter(limits);
  }

  /** How many there are. */
  get count(): number {
    return this.#byToken.size;
  }

  /** How many view them. */
  get viewerCount(): number {
    return this.#byToken.values().reduce((sum, { viewerCount }) => sum + viewerCount, 0);
  }

  /** Bytes that they keep. */
  get bytesKept(): number {
    return this.#byToken.values().reduce((sum, { watchers }) => sum + watchers.log.bytesKept, 0);
  }

  /**
   * Begins a presentation, which a presenter must enter.
   *
   * @throws FrameError `too-many-presentations`
   */
  begin(): Presentation {
    const { presentationsMax } = this.#limits;
    if (this.#byToken.size >= presentationsMax) {
      const message = `${presentationsMax} presentations run on this gateway; wait until one of them ends`;
      throw new FrameError("too-many-presentations", null, message);
    }
    const key = randomBytes(keyBytes).toString("base64url");
    const presentation = new Presentation(key, this.#limits, this.#onGap, () =>
      this.#byToken.delete(presentation.token),
    );
    this.#byToken.set(presentation.token, presentation);
    return presentation;
  }

  /**
   * The presentation of a link.
   *
   * @throws FrameError `presentation-unknown`; after many wrong tokens from an address also for a right one
   */
  find(token: string, address: string): Presentation {
    const retryAfterMs = this.#guesses.take(address);
    if (retryAfterMs !== undefined) {
      throw new FrameError("presentation-unknown", null, "too many wrong links; try again later", { retryAfterMs });
    }
    const presentation = this.#byToken.get(token);
    if (presentation === undefined) {
      throw new FrameError("presentation-unknown", null, "this presentation has ended, or the link is not complete");
    }
    this.#guesses.giveBack(address);
    return presentation;
  }

  /** Ends all of them. */
  close(): void {
    for (const presentation of this.#byToken.values()) presentation.end();
  }
}

/** The token that belongs to a key. */
export function tokenOf(key: string): string {
  return hash("sha256", key, "base64url").slice(0, tokenCharacters);
}

/** What one page presents. */
export class Presentation {
  /** The presenter's secret. */
  readonly key: string;
  /** The viewers' secret. */
  readonly token: string;
  readonly watchers: Watchers;
  /** The flow that the presenter has selected. */
  selected: number | null = null;
  readonly #limits: GatewayLimits;
  readonly #onEnd: () => void;
  readonly #viewers = new Set<PresentationListener>();
  /** What the presenter's page shows, by the page's ids; those that are over stay, since one may be selected. */
  readonly #shown = new Map<number, LoggedFlow>();
  #presenter: PresentationListener | undefined;
  #absence: NodeJS.Timeout | undefined;

  constructor(key: string, limits: GatewayLimits, onGap: () => void, onEnd: () => void) {
    this.key = key;
    this.token = tokenOf(key);
    this.#limits = limits;
    this.#onEnd = onEnd;
    const { presentedFlowsMax } = limits;
    this.watchers = new Watchers(new FrameLog({ bytesMax: presentationBytesMax, flowsMax: presentedFlowsMax }), onGap);
  }

  /** How many view it. */
  get viewerCount(): number {
    return this.#viewers.size;
  }

  /** A presenter comes; one who was there before is told that it is over. */
  enter(presenter: PresentationListener): void {
    const previous = this.#presenter === presenter ? undefined : this.#presenter;
    if (previous !== undefined) this.leave(previous);
    clearTimeout(this.#absence);
    this.#presenter = presenter;
    presenter.onPresentation(this);
    previous?.onPresentationEnd(this);
  }

  /** The presenter has gone, and its streams with it; it may come back. */
  leave(presenter: PresentationListener): void {
    if (this.#presenter !== presenter) return;
    this.#presenter = undefined;
    for (const flow of this.#shown.values()) {
      const { isOver, sentBytes, receivedBytes } = flow;
      if (!isOver) flow.end({ reason: "cancelled", at: {}, sentBytes, receivedBytes });
    }
    this.#shown.clear();
    this.#absence = setTimeout(() => this.end(), this.#limits.presenterAbsenceMs);
  }

  /** A viewer comes. */
  addViewer(viewer: PresentationListener): void {
    this.#viewers.add(viewer);
    viewer.onPresentation(this);
    this.#presenter?.onPresentation(this);
  }

  /** A viewer has gone. */
  removeViewer(viewer: PresentationListener): void {
    if (this.#viewers.delete(viewer)) this.#presenter?.onPresentation(this);
  }

  /** It is over for everybody. */
  end(): void {
    clearTimeout(this.#absence);
    this.#onEnd();
    const listeners = [...this.#viewers, ...(this.#presenter === undefined ? [] : [this.#presenter])];
    this.#viewers.clear();
    this.#presenter = undefined;
    for (const listener of listeners) listener.onPresentationEnd(this);
  }

  /**
   * The presenter shows a stream, or more is known of it.
   *
   * @throws FrameError `too-many-streams`
   */
  show(id: number, head: StreamHead): void {
    const presented: FlowHead = { ...head, via: "presented" };
    const flow = this.#shown.get(id);
    if (flow?.isOver === false) return flow.change(presented);
    this.#shown.delete(id);
    this.#makeRoom();
    this.#shown.set(id, this.watchers.log.begin(presented));
  }

  /**
   * Something happened to the bytes of a shown stream; of another one it is dropped.
   *
   * @throws FrameError `frame-invalid` for a time that is none
   */
  take(frame: ByteFrame): void {
    // Not a number is none, either.
    if (!(Math.abs(frame.atMs) <= timeMsMax))
      throw new FrameError("frame-invalid", null, "a byte frame's time is none");
    const flow = this.#shown.get(frame.id - flowIdMin);
    if (flow?.isOver !== false) return;
    flow.append({ ...frame, id: flow.id }, frame.kind === "written" ? frame.writtenBytes : frame.bytes);
  }

  /** A shown stream is over. */
  shown({ id, outcome, at, sentBytes, receivedBytes }: Extract<PageFrame, { type: "shown" }>): void {
    const flow = this.#shown.get(id);
    if (flow?.isOver !== false) return;
    flow.end({ ...outcome, at, sentBytes, receivedBytes });
  }

  /** The presenter has selected one of its streams, or none. */
  select(id: number | null): void {
    this.selected = id === null ? null : (this.#shown.get(id)?.id ?? null);
    for (const viewer of this.#viewers) viewer.onPresentation(this);
  }

  #makeRoom(): void {
    const { presentedFlowsMax } = this.#limits;
    if (this.#shown.size < presentedFlowsMax) return;
    const oldest = this.#shown.entries().find(([, { isOver }]) => isOver);
    if (oldest !== undefined) this.#shown.delete(oldest[0]);
    else throw new FrameError("too-many-streams", null, `${presentedFlowsMax} streams are shown; wait until one ends`);
  }
}
