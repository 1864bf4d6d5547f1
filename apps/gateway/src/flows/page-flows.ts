/**
 * What one page watches and presents: its frames about flows [G-15], [G-16].
 *
 * A page watches one log at a time, the gateway's or a presentation's. A guest, who has not logged in, may name a
 * presentation and do nothing else.
 */

import type { ByteFrame, FlowFaults, GatewayFrame, PageFrame } from "@wirebook/protocol";
import { describeForbidden, mayUseTargets } from "../auth/identity.ts";
import { FrameError } from "../websocket/page-frames.ts";
import type { ConnectionShared } from "../websocket/connection.ts";
import type { PageConnection } from "../websocket/page-connection.ts";
import { tokenOf } from "./presentations.ts";
import type { Presentation, PresentationListener } from "./presentations.ts";
import type { Watcher, Watchers } from "./watcher.ts";

const watchForbidden = "watch on the gateway's own machine, or ask the operator for --auth";

/** The frames of a page that concern flows. */
export type FlowFrame = Extract<
  PageFrame,
  { type: "watch" | "unwatch" | "set-faults" | "present" | "unpresent" | "show" | "shown" | "select" }
>;

/** The flows of one page. */
export class PageFlows implements PresentationListener {
  readonly #page: PageConnection;
  readonly #shared: ConnectionShared;
  #watch: { readonly watchers: Watchers; readonly watcher: Watcher } | undefined;
  #viewed: Presentation | undefined;
  #presented: Presentation | undefined;

  constructor(page: PageConnection, shared: ConnectionShared) {
    this.#page = page;
    this.#shared = shared;
  }

  /** @throws FrameError when the page may not, or when what it names is not there */
  takeFrame(frame: FlowFrame): void {
    switch (frame.type) {
      case "watch":
        return this.#beginWatch(frame);
      case "unwatch":
        return this.#endWatch();
      case "set-faults":
        return this.#setFaults(frame.port, frame.faults);
      case "present":
        return this.#present(frame.key);
      case "unpresent":
        return this.#presentation.end();
      case "show":
        return this.#presentation.show(frame.id, frame.stream);
      case "shown":
        return this.#presentation.shown(frame);
      case "select":
        return this.#presentation.select(frame.id);
    }
  }

  /**
   * A byte frame of a stream that the page presents.
   *
   * @throws FrameError
   */
  takeBytes(frame: ByteFrame): void {
    this.#presentation.take(frame);
  }

  /** The page's machine took what waited. */
  wake(): void {
    this.#watch?.watchers.wake();
  }

  /** The page has gone. */
  close(): void {
    this.#endWatch();
    this.#presented?.leave(this);
    this.#presented = undefined;
  }

  onPresentation(presentation: Presentation): void {
    if (presentation === this.#presented) this.#page.sendState("presenting", () => this.#describePresented());
    if (presentation === this.#viewed) this.#page.sendState("selected", () => this.#describeSelected());
  }

  onPresentationEnd(presentation: Presentation): void {
    this.#page.sendFrame({ type: "presented-end" });
    if (presentation === this.#presented) this.#presented = undefined;
    if (presentation !== this.#viewed) return;
    this.#endWatch();
    this.#page.onViewEnd();
  }

  #describePresented(): GatewayFrame | undefined {
    if (this.#presented === undefined) return undefined;
    const { token, key, viewerCount } = this.#presented;
    return { type: "presenting", token, key, viewers: viewerCount };
  }

  #describeSelected(): GatewayFrame | undefined {
    return this.#viewed && { type: "selected", id: this.#viewed.selected };
  }

  #beginWatch({ from, presentation: token }: Extract<FlowFrame, { type: "watch" }>): void {
    const { flows, presentations } = this.#shared;
    const { queue, address, mayWatch } = this.#page;
    if (token === undefined && !mayWatch) {
      throw new FrameError("forbidden", null, watchForbidden);
    }
    const presentation = token === undefined ? undefined : presentations.find(token, address);
    this.#endWatch();
    const watchers = presentation?.watchers ?? flows;
    this.#watch = { watchers, watcher: watchers.add(queue, from) };
    this.#viewed = presentation;
    presentation?.addViewer(this);
  }

  #endWatch(): void {
    this.#watch?.watchers.remove(this.#watch.watcher);
    this.#watch = undefined;
    const viewed = this.#viewed;
    this.#viewed = undefined;
    viewed?.removeViewer(this);
  }

  #present(key: string | undefined): void {
    const { identity, address } = this.#page;
    const { presentations } = this.#shared;
    if (!mayUseTargets(identity.role)) throw new FrameError("forbidden", null, describeForbidden(identity));
    const presentation = key === undefined ? presentations.begin() : presentations.find(tokenOf(key), address);
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
    const { identity, mayWatch } = this.#page;
    // Without authentication everybody is an operator, also one who came through a proxy.
    if (!mayWatch) throw new FrameError("forbidden", null, watchForbidden);
    if (identity.role !== "operator") {
      throw new FrameError("forbidden", null, `your role ${identity.role} may not set faults; an operator may`);
    }
    if (this.#shared.listening.setFaults(port, faults)) return this.#page.onFaults();
    throw new FrameError("frame-invalid", null, `this gateway does not listen on port ${port}; hello has its ports`);
  }
}
