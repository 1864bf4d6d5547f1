/**
 * Presentations: what pages show of their own streams to those who hold a link [G-16], each a small log with its own watchers.
 *
 * The presenter holds the key. Its hash is the token, which is in the link: whoever has that may watch this presentation, and
 * can neither go on with it nor see anything else. It ends when its presenter says so, or has been away for too long.
 */

import { hash, randomBytes } from "node:crypto";
import { defined, encodeFrame, flowIdMin, timeMsMax } from "@wirebook/protocol";
import type { ByteFrame, FlowHead, GatewayFrame, PageFrame, StreamHead } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";
import { FrameError } from "../websocket/page-frames.ts";
import { FrameLog, type LoggedFlow, type Viewer } from "./frame-log.ts";
import type { PageFlows } from "./page-flows.ts";

const keyBytes = 16;
const tokenCharacters = 22;

const presentationBytesMax = 8 * 1024 * 1024;

export class Presentations {
  readonly #limits: GatewayLimits;
  readonly #byToken = new Map<string, Presentation>();
  readonly #onGap: () => void;

  /** @param onGap called each time that a viewer was so slow that frames are missing */
  constructor(limits: GatewayLimits, onGap: () => void) {
    this.#limits = limits;
    this.#onGap = onGap;
  }

  get all(): readonly Presentation[] {
    return [...this.#byToken.values()];
  }

  /** @throws FrameError `too-many-presentations` */
  begin(): Presentation {
    const { presentationsMax } = this.#limits;
    if (this.#byToken.size >= presentationsMax) {
      const message = `${presentationsMax} presentations run on this gateway; wait until one of them ends`;
      throw new FrameError("too-many-presentations", null, message);
    }
    const forget = (): boolean => this.#byToken.delete(presentation.token);
    const presentation = new Presentation(this.#limits, this.#onGap, forget);
    this.#byToken.set(presentation.token, presentation);
    return presentation;
  }

  /** @throws FrameError `presentation-unknown` */
  find(token: string): Presentation {
    const presentation = this.#byToken.get(token);
    if (presentation !== undefined) return presentation;
    throw new FrameError("presentation-unknown", null, "this presentation has ended, or the link is not complete");
  }

  close(): void {
    for (const presentation of this.all) presentation.end();
  }
}

export function tokenOf(key: string): string {
  return hash("sha256", key, "base64url").slice(0, tokenCharacters);
}

export class Presentation extends FrameLog {
  readonly key = randomBytes(keyBytes).toString("base64url");
  readonly token = tokenOf(this.key);
  readonly #limits: GatewayLimits;
  readonly #onEnd: () => void;
  /** What the presenter's page shows, by the page's ids; those that are over stay, since one may be selected. */
  readonly #shown = new Map<number, LoggedFlow>();
  #presenter: PageFlows | undefined;
  #selected: Extract<GatewayFrame, { type: "selected" }> = { type: "selected", id: null };
  #absence: NodeJS.Timeout | undefined;

  constructor(limits: GatewayLimits, onGap: () => void, onEnd: () => void) {
    super(presentationBytesMax, limits.presentedFlowsMax, onGap);
    this.#limits = limits;
    this.#onEnd = onEnd;
    this.#tell({});
  }

  override watch(...watch: Parameters<FrameLog["watch"]>): void {
    super.watch(...watch);
    this.#presenter?.onViewers();
  }

  override unwatch(viewer: Viewer): void {
    super.unwatch(viewer);
    this.#presenter?.onViewers();
  }

  /** A presenter comes; one who was there before is told that it is over. */
  enter(presenter: PageFlows): void {
    const previous = this.#presenter === presenter ? undefined : this.#presenter;
    if (previous !== undefined) this.leave(previous);
    clearTimeout(this.#absence);
    this.#presenter = presenter;
    this.#tell({});
    presenter.onViewers();
    previous?.onEnd(this);
  }

  /** The presenter has gone, and its streams with it; it may come back. */
  leave(presenter: PageFlows): void {
    if (this.#presenter !== presenter) return;
    this.#presenter = undefined;
    for (const flow of this.#shown.values()) if (!flow.isOver) flow.over({ reason: "cancelled" }, {});
    this.#shown.clear();
    this.#tell({ isAway: true });
    this.#absence = setTimeout(() => this.end(), this.#limits.presenterAbsenceMs);
  }

  end(): void {
    clearTimeout(this.#absence);
    this.#onEnd();
    const presenter = this.#presenter;
    this.#presenter = undefined;
    for (const viewer of this.viewers) viewer.onEnd?.(this);
    presenter?.onEnd(this);
  }

  /** @throws FrameError `too-many-streams` */
  show(id: number, head: StreamHead): void {
    const presented: FlowHead = { ...head, via: "presented" };
    const flow = this.#shown.get(id);
    if (flow?.isOver === false) return flow.change(presented);
    this.#shown.delete(id);
    const { presentedFlowsMax } = this.#limits;
    if (this.#shown.size >= presentedFlowsMax) {
      const [oldest] = this.#shown.entries().find(([, { isOver }]) => isOver) ?? [];
      const message = `${presentedFlowsMax} streams are shown; wait until one ends`;
      if (oldest === undefined) throw new FrameError("too-many-streams", null, message);
      this.#shown.delete(oldest);
    }
    this.#shown.set(id, this.begin(presented));
  }

  /** @throws FrameError `frame-invalid` for a time that is none */
  take(frame: ByteFrame): void {
    const isTime = Math.abs(frame.atMs) <= timeMsMax; // False for NaN.
    if (!isTime) throw new FrameError("frame-invalid", null, "a byte frame's time is none");
    const flow = this.#shown.get(frame.id - flowIdMin);
    if (flow?.isOver !== false) return;
    flow.append({ ...frame, id: flow.id }, frame.kind === "written" ? frame.writtenBytes : frame.bytes);
  }

  shown({ id, outcome, at, sentBytes, receivedBytes }: Extract<PageFrame, { type: "shown" }>): void {
    const flow = this.#shown.get(id);
    if (flow?.isOver === false) flow.end({ outcome, at, sentBytes, receivedBytes });
  }

  select(id: number | null): void {
    const flow = id === null ? undefined : this.#shown.get(id);
    this.#tell({ id: flow?.id ?? null });
  }

  /** Tells the viewers what is selected, which stays so while the presenter is away, and whether they are. */
  #tell({ id = this.#selected.id, isAway }: { readonly id?: number | null; readonly isAway?: true }): void {
    this.#selected = { type: "selected", id, ...defined({ isAway }) };
    this.state = encodeFrame(this.#selected);
    this.wake();
  }
}
