/** Makes the parts of the page and connects them. Each part knows only those that it is handed here. */

import type { GatewayFrame } from "@wirebook/protocol";
import { Find } from "./conversation/find.svelte.ts";
import { CommandLine } from "./conversation/command-line.svelte.ts";
import { Identity } from "./conversation/identity.svelte.ts";
import { Sender } from "./conversation/sender.svelte.ts";
import { GatewayConnection } from "./gateway/connection.svelte.ts";
import type { TimedText } from "./gateway/gateway-socket.ts";
import { UpdateCheck } from "./gateway/update-check.svelte.ts";
import { LiveHistory } from "./history/live-history.svelte.ts";
import { Highlight } from "./inspector/highlight.svelte.ts";
import { Keeper } from "./streams/keeper.svelte.ts";
import { Operations } from "./streams/operations.svelte.ts";
import type { Stream } from "./streams/stream.svelte.ts";
import { Streams } from "./streams/streams.svelte.ts";
import { streamLinkPrefix } from "./ui/browser.ts";
import { Layout } from "./ui/layout.svelte.ts";
import { Preferences } from "./ui/preferences.svelte.ts";

export class App {
  readonly connection: GatewayConnection;
  readonly update = new UpdateCheck();
  readonly layout = new Layout();
  readonly preferences = new Preferences();
  readonly highlight = new Highlight();
  readonly operations = new Operations();
  readonly identity: Identity;
  readonly streams: Streams;
  readonly history: LiveHistory;
  readonly sender: Sender;
  readonly commandLine: CommandLine;
  readonly keeper: Keeper;
  readonly find: Find;

  constructor(url: string) {
    this.connection = new GatewayConnection(url);
    this.streams = new Streams(this.connection, ({ link, operations }, stream) => {
      this.operations.link = link;
      this.operations.list = operations;
      this.#noteAccepted(stream);
    });
    this.history = new LiveHistory(
      this.streams,
      this.operations,
      (stream) => this.sender.watch(stream),
      this.preferences,
    );
    this.identity = new Identity((user) => this.history.useName(user));
    this.sender = new Sender(this.streams, this.layout, () => this.history.noteOver());
    this.keeper = new Keeper(this.streams);
    this.find = new Find(this.streams);
    this.streams.newestTime = () => this.history.newestTime;
    this.streams.onKey = (user, stream) => this.#adopt(user, stream);
    this.commandLine = new CommandLine(this.operations, this.identity, this.sender, this.streams);
  }

  /** Connects to the gateway, and reconnects from now on. */
  start(): void {
    void this.keeper.restore();
    this.#openAddress();
    addEventListener("hashchange", () => this.#openAddress());
    addEventListener("vite:preloadError", () => void this.update.explainMissingPart());
    // Coming back online, or back to a page that the browser kept, is no moment to wait for the next attempt.
    addEventListener("online", () => this.connection.retryNow());
    addEventListener("pageshow", ({ persisted }) => persisted && this.connection.retryNow());
    this.connection.start({
      onOpen: () => {
        // A gateway that comes back may be a newer one.
        void this.update.look();
        this.identity.keyring.isInUse = this.streams.hasServer;
        if (!this.streams.hasServer) {
          // What an earlier server offered is no message of another service.
          this.operations.list = undefined;
        }
        if (this.identity.hasConnected) this.commandLine.useName(this.identity.name);
        if (this.identity.hasConnected) this.history.resume(this.identity.user);
      },
      onLost: (reason) => {
        this.streams.lose(reason);
        this.history.follower.lose();
      },
      onProblem: () => void this.update.look(),
      onFrame: (frame, timed) => this.#takeFrame(frame, timed),
      onBytes: (frame, atMs) => this.streams.takeBytes(frame, atMs),
    });
  }

  /** Shows a stream in the inspector. */
  select(stream: Stream): void {
    this.streams.selected = stream;
    this.layout.pane = "inspector";
  }

  /**
   * A reply with a header came, which no unauthenticated user gets: a key that came with the name is kept, and the page
   * sends as the name that the user sent as.
   */
  #noteAccepted({ intent: { user, by } }: Stream): void {
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

  /** The address may name a line of the history, or hold a stream. */
  #openAddress(): void {
    this.layout.linkProblem = "";
    if (location.hash.startsWith(streamLinkPrefix)) void this.#openStream(location.hash);
    else if (this.history.openAddress(location.hash)) this.layout.pane = "history";
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

  #takeFrame(frame: GatewayFrame, timed: TimedText): void {
    const belongs = this.streams.takeFrame(frame, timed);
    if (!belongs && frame.type === "error") this.connection.problem = frame.message;
  }
}
