/** Everything that the page knows and does; the components draw it. */

import { encodeText, redactMessage } from "@wirebook/protocol";
import type { GatewayFrame } from "@wirebook/protocol";
import { Composer } from "./composer/composer.svelte.ts";
import { Keyring } from "./composer/keyring.svelte.ts";
import { Operations } from "./composer/operations.svelte.ts";
import type { Exchange } from "./exchanges/exchange.svelte.ts";
import { Exchanges } from "./exchanges/exchanges.svelte.ts";
import { explainFailure, outcomeOf, refusalOf } from "./exchanges/outcome.ts";
import { bytes, duration, plural } from "./ui/format.ts";
import { fetchLinks } from "./export/lazy.ts";
import { exchangeLinkPrefix } from "./limits.ts";
import { GatewayConnection } from "./gateway/connection.svelte.ts";
import type { TimedFrame } from "./gateway/gateway-socket.ts";
import { UpdateCheck } from "./gateway/update-check.svelte.ts";
import { Follower } from "./history/replica/follower.svelte.ts";
import { HistoryView } from "./history/view/history-view.svelte.ts";
import { History } from "./history/replica/history.svelte.ts";
import { LineDeleter } from "./history/replica/line-deleter.svelte.ts";
import { LinkedLine } from "./history/replica/linked-line.svelte.ts";
import { PageLoader } from "./history/replica/page-loader.svelte.ts";
import { Persisted } from "./ui/persisted.ts";
import { Shell } from "./ui/shell.svelte.ts";
import { Theme } from "./ui/theme.svelte.ts";
import { newestTime } from "./inspector/bytes/find-line.ts";
import type { FoundLine } from "./inspector/bytes/find-line.ts";
import { FoundLines } from "./inspector/bytes/found-lines.ts";

/** What a narrow screen shows; a wide one shows all three. */
export type View = "messages" | "history" | "wire";

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
  readonly theme = new Theme();
  readonly shell = new Shell();
  readonly foundLines = new FoundLines();
  view = $state<View>("messages");
  /** False until somebody has said in whose name this page speaks. */
  hasBegun = $state(false);
  /** With a server that cannot be followed: whether the history is fetched after every exchange. */
  fetchesAfterSend = $state(true);
  isLabOpen = $state(false);
  /** The latest result, for those who listen. */
  announcement = $state("");
  /** Why the exchange of the page's address is not shown, in a sentence. */
  linkProblem = $state("");
  readonly #user = new Persisted("user");

  constructor(url: string) {
    this.connection = new GatewayConnection(url);
    this.exchanges = new Exchanges(this.connection, ({ operations }, exchange) => {
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
    this.hasBegun = kept !== undefined;
    this.composer = new Composer(this.operations, this.keyring, kept ?? "brick");
  }

  /** Connects; from now on the page lives by itself. */
  start(): void {
    this.#openAddress();
    addEventListener("hashchange", () => this.#openAddress());
    this.connection.start({
      onOpen: () => {
        // A gateway that comes back may be a newer one.
        void this.update.look();
        this.#follow();
      },
      onLost: (words) => {
        this.exchanges.lose(words);
        this.follower.lose();
      },
      onProblem: () => void this.update.look(),
      onFrame: (frame, carried) => this.#takeFrame(frame, carried),
      onBytes: (id, received, carried) => this.exchanges.takeBytes(id, received, carried),
    });
  }

  /** The name is chosen: from now on the page speaks in it. */
  begin(): void {
    this.#speakAs(this.composer.speaker);
  }

  /** Sends what the composer holds. */
  send(): void {
    const { speaker: user, operation, draft } = this.composer;
    if (draft.message === undefined) return;
    this.composer.noteSent();
    const order = { user, operation, values: draft.values, by: "user" as const };
    void this.#watch(this.exchanges.request(order));
  }

  /** Sends the composer's message although the protocol refuses it, to see what the server makes of it. */
  sendAnyway(): void {
    const { speaker: user, draft } = this.composer;
    if (draft.message === undefined) return;
    this.composer.noteSent();
    void this.#watch(this.exchanges.raw({ user, by: "user", bytes: encodeText(draft.message) }));
  }

  /** True when the server makes usernames. */
  get canGenerate(): boolean {
    return this.hasBegun && this.operations.offering("create-user") !== undefined;
  }

  /** Asks for a username; its key is kept as it comes. */
  generateUser(): void {
    const operation = this.operations.offering("create-user")?.number;
    if (operation === undefined || this.composer.user.trim() === "" || this.keyring.isFull) return;
    void this.#watch(this.exchanges.request({ user: this.composer.speaker, operation, by: "user" }));
  }

  /** The line of the history that the exchange on the wire has left. */
  get ownLine(): FoundLine | undefined {
    const { selected } = this.exchanges;
    return selected && this.foundLines.find(selected, this.history.replica);
  }

  /** Shows an exchange in the wire. */
  select(exchange: Exchange): void {
    this.exchanges.selected = exchange;
    this.view = "wire";
  }

  /** A server took a `name~key`: the key is kept, and the field has the name alone. */
  #noteAccepted(user: string): void {
    if (!user.includes("~")) return;
    const name = this.keyring.keep(user);
    if (this.composer.user.trim() === user && this.keyring.has(name)) this.composer.user = name;
  }

  /** A server made a username: when its exchange is over, this page speaks in it. */
  #adopt(user: string, exchange: Exchange): void {
    const name = this.keyring.keep(user);
    if (!this.keyring.has(name)) return;
    void exchange.over.then(() => {
      this.composer.user = name;
      this.#speakAs(user);
    });
  }

  #speakAs(user: string): void {
    const isNew = user !== this.follower.user;
    this.#user.write(redactMessage(user)); // What is kept here outlives the page: never a key.
    this.hasBegun = true;
    this.#nameAll(user);
    if (isNew && ["idle", "refused"].includes(this.follower.state)) void this.follower.start();
  }

  #follow(): void {
    if (!this.hasBegun || this.follower.state === "stopped") return;
    this.#nameAll(this.composer.speaker);
    void this.follower.start();
  }

  /** Whatever the page asks by itself, it asks in the name of its user. */
  #nameAll(user: string): void {
    this.follower.user = user;
    this.loader.user = user;
    this.linkedLine.user = user;
  }

  /** The address may lead to a line, or hold an exchange. */
  #openAddress(): void {
    this.linkProblem = "";
    if (location.hash.startsWith(exchangeLinkPrefix)) void this.#openExchange(location.hash);
    else if (this.linkedLine.take(location.hash)) this.view = "history";
  }

  async #openExchange(fragment: string): Promise<void> {
    this.view = "wire";
    const links = await fetchLinks().catch(() => undefined);
    try {
      if (links === undefined) this.linkProblem = await this.update.explainMissingPart();
      else this.select(await links.openExchangeLink(fragment, this.exchanges));
    } catch (error) {
      if (links === undefined || !(error instanceof links.LinkError)) throw error;
      this.linkProblem = error.message;
    }
  }

  #takeFrame(frame: GatewayFrame, carried: TimedFrame): void {
    const belongs = this.exchanges.takeFrame(frame, carried);
    if (!belongs && frame.type === "error") this.connection.problem = frame.message;
  }

  async #watch(exchange: Exchange | undefined): Promise<void> {
    if (exchange === undefined) return;
    void this.exchanges.show(exchange);
    await exchange.over;
    this.announcement = summary(exchange);
    // Only now is it known whether the name is one that the server takes.
    if (exchange.answer !== "stranger" && exchange.failure === undefined) this.#speakAs(exchange.intent.user);
    if (this.follower.state === "unfollowable" && this.fetchesAfterSend) await this.follower.fetch();
  }
}

function summary(exchange: Exchange): string {
  const { word } = outcomeOf(exchange);
  const sizes = `${bytes(exchange.receivedBytes)} in ${plural(exchange.chunks, "chunk")}, ${duration(tookMs(exchange))}`;
  const why = explainFailure(exchange)?.why ?? refusalOf(exchange) ?? sizes;
  return `${exchange.message.trim()}: ${word}. ${why}`;
}

/** Milliseconds from sending to the end, or up to now. */
export function tookMs(exchange: Exchange): number {
  return (exchange.endedAtMs ?? performance.now()) - exchange.sentAtMs;
}
