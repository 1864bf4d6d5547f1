/** Everything that the page knows and does; the components draw it. */

import { encodeText, redactMessage } from "@wirebook/protocol";
import type { GatewayFrame } from "@wirebook/protocol";
import { Composer, Operations } from "./composer/composer.svelte.ts";
import { Keyring } from "./composer/keyring.svelte.ts";
import type { Exchange } from "./exchanges/exchange.svelte.ts";
import { Exchanges } from "./exchanges/exchanges.svelte.ts";
import { explainFailure, refusalOf, resultOf } from "./exchanges/result.ts";
import { bytes, duration, plural } from "./ui/format.ts";
import { GatewayConnection } from "./gateway/connection.svelte.ts";
import type { TimedText } from "./gateway/gateway-socket.ts";
import { UpdateCheck } from "./gateway/update-check.svelte.ts";
import { Follower } from "./history/replica/follower.svelte.ts";
import { HistoryView } from "./history/view/history-view.svelte.ts";
import { History } from "./history/replica/history.svelte.ts";
import { LineDeleter } from "./history/replica/line-deleter.svelte.ts";
import { LinkedLine } from "./history/replica/linked-line.svelte.ts";
import { PageLoader } from "./history/replica/page-loader.svelte.ts";
import { exchangeLinkPrefix, Persisted } from "./ui/browser.ts";
import { Preferences } from "./ui/preferences.svelte.ts";
import { FoundLines, newestTime } from "./inspector/bytes/found-lines.ts";
import type { FoundLine } from "./inspector/bytes/found-lines.ts";

/** What a narrow screen shows; a wide one shows all three. */
export type View = "transcript" | "history" | "wire";

export interface ExportSubject {
  /** Files to load at once: those that were dropped on the page. */
  readonly files?: readonly File[];
  /** What is done at once, or where the focus goes. */
  readonly first?: "pcapng" | "ndjson" | "link" | "load";
}

export class AppState {
  readonly connection: GatewayConnection;
  readonly update = new UpdateCheck();
  readonly exchanges: Exchanges;
  readonly operations = new Operations();
  readonly history = new History();
  readonly follower: Follower;
  readonly loader: PageLoader;
  readonly lines: HistoryView;
  readonly deleter: LineDeleter;
  readonly linkedLine: LinkedLine;
  readonly composer: Composer;
  readonly keyring = new Keyring();
  readonly preferences = new Preferences();
  readonly foundLines = new FoundLines();
  view = $state<View>("transcript");
  /** The dialog that lies over the page. */
  dialog = $state<"palette" | "shortcuts">();
  /** What the export dialog is open for. */
  exportSubject = $state.raw<ExportSubject>();
  /** False until the user has connected once: before that, the page sends nothing on its own. */
  hasConnected = $state(false);
  /** With a server that has no follow operation: whether the history is read again after every exchange. */
  fetchesAfterSend = $state(true);
  isLabOpen = $state(false);
  /** The latest result, for screen readers. */
  announcement = $state("");
  /** Why the exchange of the page's address is not shown, in a sentence. */
  linkProblem = $state("");
  readonly #user = new Persisted("user");

  constructor(url: string) {
    this.connection = new GatewayConnection(url);
    this.exchanges = new Exchanges(this.connection, ({ link, operations }, exchange) => {
      this.operations.link = link;
      this.operations.list = operations;
      this.#noteAccepted(exchange.intent.user);
    });
    this.exchanges.newestTime = () => newestTime(this.history.current);
    this.exchanges.onKey = (user, exchange) => this.#adopt(user, exchange);
    this.follower = new Follower(this.exchanges, this.operations, this.history);
    this.loader = new PageLoader(this.exchanges, this.history, () => this.follower.state === "live");
    this.lines = new HistoryView(this.history, this.exchanges);
    this.deleter = new LineDeleter(this.exchanges, this.operations, this.history, (exchange) => this.#watch(exchange));
    this.linkedLine = new LinkedLine(this.exchanges, this.history, this.lines);
    const kept = this.#user.read();
    this.hasConnected = kept !== undefined;
    this.composer = new Composer(this.operations, this.keyring, kept ?? "brick");
  }

  /** Connects to the gateway, and reconnects from now on. */
  start(): void {
    this.#openAddress();
    addEventListener("hashchange", () => this.#openAddress());
    this.connection.start({
      onOpen: () => {
        // A gateway that comes back may be a newer one.
        void this.update.look();
        this.keyring.isInUse = this.exchanges.hasServer;
        if (!this.exchanges.hasServer) {
          // What an earlier server offered is no message of another service.
          this.operations.list = undefined;
          this.composer.operation = undefined;
        }
        this.#follow();
      },
      onLost: (reason) => {
        this.exchanges.lose(reason);
        this.follower.lose();
      },
      onProblem: () => void this.update.look(),
      onFrame: (frame, timed) => this.#takeFrame(frame, timed),
      onBytes: (frame, atMs) => this.exchanges.takeBytes(frame, atMs),
    });
  }

  /** Uses the name in the composer: the page reads the operations and the history as this user. */
  connect(): void {
    this.#useName(this.composer.userWithKey);
  }

  send(): void {
    if (!this.exchanges.hasServer) return this.sendAnyway();
    const { userWithKey: user, operation, draft } = this.composer;
    if (draft.message === undefined) return;
    this.composer.noteSent();
    const order = { user, operation, values: draft.values, by: "user" as const };
    void this.#watch(this.exchanges.request(order));
  }

  /** Sends the composer's message although the protocol refuses it, to see the server's answer. */
  sendAnyway(): void {
    const { userWithKey: user, draft } = this.composer;
    if (draft.message === undefined) return;
    this.composer.noteSent();
    void this.#watch(this.exchanges.connect({ user, by: "user", bytes: encodeText(draft.message) }));
  }

  /** True when the server creates usernames. */
  get canGenerate(): boolean {
    return this.hasConnected && this.operations.offering("create-user") !== undefined;
  }

  /** Requests a new username, and keeps its key. */
  generateUser(): void {
    const operation = this.operations.offering("create-user")?.number;
    if (operation === undefined || this.composer.user.trim() === "" || this.keyring.isFull) return;
    void this.#watch(this.exchanges.request({ user: this.composer.userWithKey, operation, by: "user" }));
  }

  /** The line of the history that the selected exchange left. */
  get ownLine(): FoundLine | undefined {
    const { selected } = this.exchanges;
    return selected && this.foundLines.find(selected, this.history.replica);
  }

  select(exchange: Exchange): void {
    this.exchanges.selected = exchange;
    this.view = "wire";
  }

  /** A server accepted a `name~key`: the key is kept, and the field shows the name alone. */
  #noteAccepted(user: string): void {
    if (!user.includes("~")) return;
    const name = this.keyring.keep(user);
    if (this.composer.user.trim() === user && this.keyring.has(name)) this.composer.user = name;
  }

  /** A server created a username: when its exchange is over, the page uses it. */
  #adopt(user: string, exchange: Exchange): void {
    const name = this.keyring.keep(user);
    if (!this.keyring.has(name)) return;
    void exchange.over.then(() => {
      this.composer.user = name;
      this.#useName(user);
    });
  }

  #useName(user: string): void {
    const isNew = user !== this.history.user;
    this.#user.write(redactMessage(user)); // What is kept here outlives the page: never a key.
    this.hasConnected = true;
    this.history.user = user;
    if (isNew && ["idle", "refused"].includes(this.follower.state)) void this.follower.start();
  }

  #follow(): void {
    if (!this.hasConnected || this.follower.state === "stopped") return;
    this.history.user = this.composer.userWithKey;
    void this.follower.start();
  }

  /** The address may name a line of the history, or hold an exchange. */
  #openAddress(): void {
    this.linkProblem = "";
    if (location.hash.startsWith(exchangeLinkPrefix)) void this.#openExchange(location.hash);
    else if (this.linkedLine.take(location.hash)) this.view = "history";
  }

  async #openExchange(fragment: string): Promise<void> {
    this.view = "wire";
    const links = await import("./export/exchange-link.ts").catch(() => undefined);
    try {
      if (links === undefined) this.linkProblem = await this.update.explainMissingPart();
      else this.select(await links.openExchangeLink(fragment, this.exchanges));
    } catch (error) {
      if (links === undefined || !(error instanceof links.LinkError)) throw error;
      this.linkProblem = error.message;
    }
  }

  #takeFrame(frame: GatewayFrame, timed: TimedText): void {
    const belongs = this.exchanges.takeFrame(frame, timed);
    if (!belongs && frame.type === "error") this.connection.problem = frame.message;
  }

  async #watch(exchange: Exchange | undefined): Promise<void> {
    if (exchange === undefined) return;
    void this.exchanges.show(exchange);
    await exchange.settled();
    this.announcement = announce(exchange);
    await exchange.over;
    // Only now is it known whether the server accepts the name.
    const isAccepted = exchange.answer !== "unauthenticated" && exchange.failure === undefined;
    if (exchange.isWithServer && isAccepted) this.#useName(exchange.intent.user);
    if (this.follower.state === "unfollowable" && this.fetchesAfterSend) await this.follower.fetch();
  }
}

function announce(exchange: Exchange): string {
  const { word } = resultOf(exchange);
  const sizes = `${bytes(exchange.receivedBytes)} in ${plural(exchange.reads, "read")}, ${duration(exchange.tookMs)}`;
  const why = explainFailure(exchange)?.why ?? refusalOf(exchange) ?? sizes;
  return `${exchange.message.trim()}: ${word}. ${why}`;
}
