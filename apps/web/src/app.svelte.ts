/** Makes the parts of the page and connects them. Each part knows only those that it is handed here. */

import { flowIdMin } from "@wirebook/protocol";
import { Find } from "./conversation/find.svelte.ts";
import { CommandLine } from "./conversation/command-line.svelte.ts";
import { Identity } from "./conversation/identity.svelte.ts";
import { Lab } from "./fault-lab/lab.svelte.ts";
import { GatewayConnection } from "./gateway/connection.svelte.ts";
import { UpdateCheck } from "./gateway/update-check.svelte.ts";
import { LiveHistory } from "./history/live-history.svelte.ts";
import { Highlight } from "./inspector/highlight.svelte.ts";
import { Scenarios } from "./scenario/scenarios.svelte.ts";
import { Keeper } from "./streams/keeper.svelte.ts";
import { Operations } from "./streams/operations.svelte.ts";
import { explainFailure, refusalOf, resultOf } from "./streams/result.ts";
import type { Stream } from "./streams/stream.svelte.ts";
import { Streams } from "./streams/streams.svelte.ts";
import { Flows } from "./traffic/flows.svelte.ts";
import { Presenter } from "./traffic/present.svelte.ts";
import { presentationOf, Viewer } from "./traffic/viewer.svelte.ts";
import { streamLinkPrefix } from "./ui/browser.ts";
import { bytes, duration, plural } from "./ui/format.ts";
import { Layout, lessonLinkPrefix } from "./ui/layout.svelte.ts";
import { openPreferences } from "./ui/preferences.svelte.ts";

export class App {
  /** The token of a presentation to view, instead of everything else. */
  readonly #presentation = presentationOf(location);
  readonly connection = new GatewayConnection(gatewayUrl(this.#presentation));
  readonly update = new UpdateCheck();
  readonly layout = new Layout();
  readonly preferences = openPreferences();
  readonly highlight = new Highlight();
  readonly operations = new Operations();
  readonly scenarios = new Scenarios(this.layout);
  readonly identity = new Identity((user) => this.history.useName(user));
  readonly streams = new Streams(
    this.#presentation === undefined ? this.connection : sendsNothing,
    ({ operations }, stream) => {
      this.operations.list = operations;
      this.#noteAccepted(stream);
    },
  );
  readonly flows = new Flows(this.connection, this.#presentation);
  /** Set where the page was opened by the link of a presentation. */
  readonly viewer =
    this.#presentation === undefined
      ? undefined
      : new Viewer(this.flows, this.connection, (stream) => this.#show(stream));
  readonly presenter = new Presenter(this.connection, this.streams);
  readonly history = new LiveHistory(this.streams, this.operations, (stream) => this.#watch(stream), this.preferences);
  readonly keeper = new Keeper(this.streams);
  readonly find = new Find(this.streams);
  readonly commandLine = new CommandLine(this, (stream) => void this.#watch(stream));
  readonly lab = new Lab(this.streams, this.identity.keyring, (stream) => void this.#watch(stream));

  start(): void {
    this.streams.newestTime = () => this.history.cache.newestTime || undefined;
    this.streams.onKey = (user, stream) => this.#adopt(user, stream);
    if (this.viewer === undefined) void this.keeper.restore();
    this.#openAddress();
    addEventListener("hashchange", () => {
      if (presentationOf(location) === this.#presentation) this.#openAddress();
      else location.reload();
    });
    addEventListener("vite:preloadError", () => void this.update.explainMissingPart());
    addEventListener("online", () => this.connection.retry.finish());
    addEventListener("pageshow", ({ persisted }) => persisted && this.connection.retry.finish());
    if (this.viewer?.begin(this.#presentation ?? "") === false) return;
    this.connection.start({
      onOpen: (hello) => {
        this.flows.open(hello);
        if (this.viewer !== undefined) return;
        this.presenter.open();
        // A gateway that comes back may be a newer one.
        void this.update.look();
        this.identity.keyring.isInUse = this.streams.hasServer;
        // What an earlier server offered is no message of another service.
        if (!this.streams.hasServer) this.operations.list = undefined;
        if (!this.identity.hasConnected) return;
        this.commandLine.useName(this.identity.name);
        this.history.reader.user = this.identity.user;
        void this.history.start();
      },
      onLost: (reason) => {
        this.streams.lose(reason);
        this.history.lose();
      },
      onProblem: () => void this.update.look(),
      onFrame: (frame, timed) => {
        const watched = this.flows.takeFrame(frame) || (this.viewer ?? this.presenter).takeFrame(frame);
        const belongs = watched || this.streams.takeFrame(frame, timed);
        if (!belongs && frame.type === "error") this.connection.problem = frame.message;
        this.viewer?.follow();
        this.presenter.wake();
      },
      onBytes: (frame, atMs) => {
        if (frame.id >= flowIdMin) this.flows.takeBytes(frame);
        else this.streams.takeBytes(frame, atMs);
        this.presenter.wake();
      },
    });
  }

  select(stream: Stream): void {
    if (this.viewer !== undefined) this.viewer.isFollowing = false;
    this.#show(stream);
  }

  #show(stream: Stream): void {
    this.streams.selected = stream;
    this.layout.pane = "inspector";
  }

  async #watch(stream: Stream | undefined): Promise<void> {
    if (stream === undefined) return;
    void this.streams.show(stream);
    await stream.settled();
    this.layout.announcement = announce(stream);
  }

  /** A reply with a header came, which no unauthenticated user gets: the page keeps the key and sends in that name. */
  #noteAccepted({ intent: { user, by } }: Stream): void {
    // A scenario sends as whom it likes.
    if (user === "") return;
    this.identity.keyring.keep(user);
    if (by === "user") this.identity.use(user);
  }

  /** A server created a username: when its exchange is over, the page uses it. */
  #adopt(user: string, stream: Stream): void {
    const name = this.identity.keyring.keep(user);
    if (!this.identity.keyring.has(name)) return;
    void stream.over.then(() => {
      this.identity.use(user);
      this.commandLine.useName(name, stream.intent.user);
    });
  }

  /** The address may hold a stream, a lesson or a filter of the history. */
  #openAddress(): void {
    const { hash } = location;
    this.layout.linkProblem = "";
    if (hash.startsWith(streamLinkPrefix)) void this.#openStream(hash);
    else if (hash.startsWith(lessonLinkPrefix)) this.layout.openLesson(hash.slice(lessonLinkPrefix.length));
    else if (this.history.view.takeAddress(hash)) this.layout.pane = "history";
  }

  async #openStream(fragment: string): Promise<void> {
    this.layout.pane = "inspector";
    const links = await import("./export/stream-link.ts").catch(() => undefined);
    try {
      if (links === undefined) this.layout.linkProblem = await this.update.explainMissingPart();
      else this.select(await links.openStreamLink(fragment, this.streams));
    } catch (error) {
      if (links === undefined || !(error instanceof links.LinkError)) throw error;
      this.layout.linkProblem = error.message;
    }
  }
}

/** Beside the page, wherever a proxy puts the page. */
function gatewayUrl(presentation: string | undefined): string {
  const url = new URL(presentation === undefined ? "ws" : "ws?guest", document.baseURI);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

const sendsNothing = { send: () => undefined, sendBytes: () => undefined, clock: undefined, hello: undefined };

function announce(stream: Stream): string {
  const sizes = `${bytes(stream.receivedBytes)} in ${plural(stream.reads, "read")}, ${duration(stream.tookMs)}`;
  const why = explainFailure(stream)?.why ?? refusalOf(stream) ?? sizes;
  return `${stream.name}: ${resultOf(stream).word}. ${why}`;
}
