/** What one page watches and presents [G-15], [G-16]: one log at a time, the gateway's or a presentation's. */

import type { ByteFrame, FlowFaults, PageFrame } from "@wirebook/protocol";
import { describeForbidden, mayUseTargets } from "../auth/identity.ts";
import type { ConnectionShared } from "../websocket/connection.ts";
import type { PageConnection } from "../websocket/page-connection.ts";
import { FrameError } from "../websocket/page-frames.ts";
import type { SendQueue } from "../websocket/send-queue.ts";
import { tokenOf, type Presentation } from "./presentations.ts";
import type { FrameLog, Viewer } from "./frame-log.ts";

const watchForbidden = "watch on the gateway's own machine, or ask the operator for --auth";

export type FlowFrame = Extract<
  PageFrame,
  { type: "watch" | "unwatch" | "set-faults" | "present" | "unpresent" | "show" | "shown" | "select" }
>;

export class PageFlows implements Viewer {
  readonly queue: SendQueue;
  readonly #page: PageConnection;
  readonly #shared: ConnectionShared;
  #watched: FrameLog | undefined;
  #presented: Presentation | undefined;

  constructor(page: PageConnection, shared: ConnectionShared) {
    this.queue = page.queue;
    this.#page = page;
    this.#shared = shared;
  }

  /** @throws FrameError */
  takeFrame(frame: FlowFrame): void {
    const { type } = frame;
    if (type === "watch") return this.#watch(frame);
    if (type === "unwatch") return this.#endWatch();
    if (type === "set-faults") return this.#setFaults(frame.port, frame.faults);
    if (type === "present") return this.#present(frame.key);
    if (type === "unpresent") return this.#presentation.end();
    if (type === "show") return this.#presentation.show(frame.id, frame.stream);
    if (type === "shown") return this.#presentation.shown(frame);
    this.#presentation.select(frame.id);
  }

  /** @throws FrameError when it is of no stream that the page presents */
  takeBytes(frame: ByteFrame): void {
    this.#presentation.take(frame);
  }

  wake(): void {
    this.#watched?.wake();
  }

  close(): void {
    this.#endWatch();
    this.#presented?.leave(this);
    this.#presented = undefined;
  }

  /** The number of those who view what the page presents has changed. */
  onViewers(): void {
    this.#page.sendState("presenting", () => {
      if (this.#presented === undefined) return undefined;
      const { token, key, viewers } = this.#presented;
      return { type: "presenting", token, key, viewers: viewers.length };
    });
  }

  /** A presentation is over, which the page views or presents. */
  onEnd(presentation: FrameLog): void {
    this.#page.sendFrame({ type: "presented-end" });
    if (presentation === this.#presented) this.#presented = undefined;
    if (presentation !== this.#watched) return;
    this.#endWatch();
    this.#page.onViewEnd();
  }

  #watch({ from, presentation: token }: Extract<FlowFrame, { type: "watch" }>): void {
    if (token === undefined && !this.#page.mayWatch) throw new FrameError("forbidden", null, watchForbidden);
    const log = token === undefined ? this.#shared.flowLog : this.#shared.presentations.find(token);
    this.#endWatch();
    this.#watched = log;
    log.watch(this, from);
  }

  #endWatch(): void {
    this.#watched?.unwatch(this);
    this.#watched = undefined;
  }

  #present(key: string | undefined): void {
    const { identity } = this.#page.client;
    const { presentations } = this.#shared;
    if (!mayUseTargets(identity.role)) throw new FrameError("forbidden", null, describeForbidden(identity));
    const presentation = key === undefined ? presentations.begin() : presentations.find(tokenOf(key));
    if (this.#presented !== presentation) this.#presented?.end();
    this.#presented = presentation;
    presentation.enter(this);
  }

  /** @throws FrameError `presentation-unknown` */
  get #presentation(): Presentation {
    if (this.#presented !== undefined) return this.#presented;
    throw new FrameError("presentation-unknown", null, "this page presents nothing; send a present frame first");
  }

  #setFaults(port: number, faults: FlowFaults): void {
    const { role } = this.#page.client.identity;
    // Without authentication everybody is an operator, also one who came through a proxy.
    if (!this.#page.mayWatch) throw new FrameError("forbidden", null, watchForbidden);
    if (role !== "operator") {
      throw new FrameError("forbidden", null, `your role ${role} may not set faults; an operator may`);
    }
    if (!this.#shared.listening.setFaults(port, faults))
      throw new FrameError("frame-invalid", null, `this gateway does not listen on port ${port}; hello has its ports`);
  }
}
