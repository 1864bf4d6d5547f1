import type { Exchanges } from "../../exchanges/exchanges.svelte.ts";
import type { HistoryView } from "../view/history-view.svelte.ts";
import type { History } from "./history.svelte.ts";
import { locate } from "./locating.ts";
import { decodeLineLink } from "./permalink.ts";
import { readInto } from "./reading.ts";

/** The line that the page's address leads to: it is looked for as soon as there is a history to look in. */
export class LinkedLine {
  user = "";
  /** Its time; `""` when the address leads to no line. */
  time = $state("");
  state = $state<"none" | "waiting" | "looking" | "found" | "gone" | "failed">("none");
  readonly #exchanges: Exchanges;
  readonly #history: History;
  readonly #view: HistoryView;

  constructor(exchanges: Exchanges, history: History, view: HistoryView) {
    this.#exchanges = exchanges;
    this.#history = history;
    this.#view = view;
    history.onShown(() => this.state === "waiting" && void this.find());
  }

  /** Takes the fragment of the page's address. True when it leads to a line. */
  take(fragment: string): boolean {
    this.time = decodeLineLink(fragment) ?? "";
    this.state = this.time === "" ? "none" : "waiting";
    if (this.time !== "" && this.#history.current.last > 0) void this.find();
    return this.time !== "";
  }

  /** Looks for it, and shows it where it stands now, or the place where it was. */
  async find(): Promise<void> {
    const { time } = this;
    const copy = this.#history.current;
    this.state = "looking";
    const read = (from: number, to: number) =>
      readInto(this.#exchanges, copy, { user: this.user, from, to, purpose: "to find the line of the address" });
    const found = await locate(copy, time, read);
    if (this.time !== time || this.state !== "looking") return;
    this.#history.mark();
    this.state = found === undefined ? "failed" : found.isGone ? "gone" : "found";
    if (found !== undefined && found.position > 0) this.#view.reveal(found.position);
  }

  /** Says no more of it. */
  dismiss(): void {
    this.state = "none";
  }
}
