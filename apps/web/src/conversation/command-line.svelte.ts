/**
 * The one line that people type into. For the Wirebook server it is a message: its first word is a name, whose key is added on
 * the way. For any other target it goes as it was typed, on the connection that the first one opened.
 */

import { decodeText, encodeText, isUtf8, type AnnouncedTarget } from "@wirebook/protocol";
import { SvelteMap } from "svelte/reactivity";
import * as z from "zod/mini";
import type { App } from "../app.svelte.ts";
import { serverName } from "../gateway/targets.ts";
import { lineCharactersMax } from "../limits.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import { Persisted } from "../ui/browser.ts";
import { count } from "../ui/format.ts";
import { makeDraft, withoutKey, type Draft } from "./draft.ts";
import { decodeHex, encodeHex, encodeLines, linesOf, withoutLineEnd } from "./line-bytes.ts";

/** The sample user of the reference implementation. */
export const sampleName = "brick";

export const recalledMax = 100;

const targetSettings = z.object({
  lineEnd: z.enum(["CRLF", "LF", "CR", "none"]),
  input: z.enum(["text", "hex"]),
  /** True when a connection stays open for more lines; else FIN follows each. */
  keepsOpen: z.boolean(),
});

type TargetSettings = z.infer<typeof targetSettings>;

/** As most text protocols of the Internet have it. */
const usual: TargetSettings = { lineEnd: "CRLF", input: "text", keepsOpen: true };

/** A Wirebook server takes one message a connection, and closes it after the reply. */
const forServer: TargetSettings = { lineEnd: "LF", input: "text", keepsOpen: false };

const rememberedMax = 64;

export class CommandLine {
  text = $state("");
  panel = $state<"identity" | "fields" | "bytes">();
  refused = $state.raw<{ readonly name: string; readonly hadKey: boolean }>();
  readonly #parts: Pick<App, "operations" | "identity" | "streams">;
  readonly #onSent: (stream: Stream | undefined) => void;
  readonly #keptTarget = new Persisted("target");
  readonly #keptSettings = new Persisted("target-settings");
  #chosen = $state(this.#keptTarget.read());
  #settings = $state.raw<ReadonlyMap<string, TargetSettings>>(
    new Map(this.#keptSettings.readAs(z.array(z.tuple([z.string(), targetSettings])))),
  );
  readonly #conversations = new SvelteMap<string, Stream>();
  /** What was sent to each target, and how far back from what is being typed the line shows it. */
  readonly #recalled = new Map<string, readonly string[]>();
  #back = 0;
  #typed = "";

  constructor(parts: Pick<App, "operations" | "identity" | "streams">, onSent: (stream: Stream | undefined) => void) {
    this.#parts = parts;
    this.#onSent = onSent;
  }

  /** The chosen one among those that there are, or else the usual one. */
  get target(): AnnouncedTarget {
    return this.#parts.streams.targets.find(({ name }) => name === this.#chosen) ?? this.#parts.streams.target;
  }

  get isForServer(): boolean {
    return this.target.name === serverName;
  }

  get settings(): TargetSettings {
    return this.isForServer ? forServer : (this.#settings.get(this.target.name) ?? usual);
  }

  set(change: Partial<TargetSettings>): void {
    const { bytes, settings, target } = this;
    const others = [...this.#settings].filter(([name]) => name !== target.name).slice(1 - rememberedMax);
    this.#settings = new Map([...others, [target.name, { ...settings, ...change }]]);
    this.#keptSettings.write(JSON.stringify([...this.#settings]));
    // What is typed stays the same bytes.
    if (change.input !== undefined && change.input !== settings.input && this.text !== "") this.#write(bytes);
  }

  choose(name: string): void {
    this.#chosen = name;
    this.#keptTarget.write(name);
    this.panel = undefined;
    this.refused = undefined;
    this.#back = 0;
    this.text = this.isForServer && this.#parts.identity.hasConnected ? `${this.name} ` : "";
  }

  /** The name of the line, or the one that was accepted last. */
  get name(): string {
    const word = this.isForServer ? (/^\s*([^\s~]+)/u.exec(this.text)?.[1] ?? "") : "";
    return word || this.#parts.identity.name || sampleName;
  }

  get draft(): Draft {
    return this.#draftOf(this.text);
  }

  get bytes(): Uint8Array {
    return this.#made.bytes;
  }

  get problem(): string | undefined {
    return this.#made.problem;
  }

  get #made(): { readonly bytes: Uint8Array; readonly problem?: string | undefined } {
    const { draft, settings, text } = this;
    const nothing = new Uint8Array(0);
    if (this.isForServer) return { bytes: encodeText(draft.message), problem: draft.problem };
    if (this.isConnect) return { bytes: nothing };
    if (text.length > lineCharactersMax)
      return {
        bytes: nothing,
        problem: `the text has ${count(text.length)} characters, over the limit of ${count(lineCharactersMax)}; shorten it`,
      };
    const bytes = settings.input === "text" ? encodeLines(text, settings.lineEnd) : decodeHex(text);
    return typeof bytes === "string" ? { bytes: nothing, problem: bytes } : { bytes };
  }

  get lineCount(): number {
    return this.isForServer || this.settings.input === "hex" ? 1 : linesOf(withoutLineEnd(this.text)).length;
  }

  get conversation(): Stream | undefined {
    const latest = this.#conversations.get(this.target.name);
    return latest?.state === "running" && !latest.isEnding ? latest : undefined;
  }

  get isConnect(): boolean {
    return !this.isForServer && this.text === "" && this.conversation === undefined;
  }

  get canSend(): boolean {
    return this.problem === undefined && (this.isConnect || this.bytes.length > 0);
  }

  /** @param isAnyway although the protocol refuses it, to see the server's answer */
  send(isAnyway = false): void {
    if (!this.canSend && !(isAnyway && this.isForServer)) return;
    // What is recalled shows no key: the keyring has one that was typed, once a server accepts it.
    const line = this.isForServer ? withoutKey(this.text.trim()) : this.text;
    if (!(this.isForServer ? this.#sendToServer(this.text) : this.#sendBytes(this.bytes))) return;
    const others = (this.#recalled.get(this.target.name) ?? []).filter((each) => each !== line);
    if (line !== "") this.#recalled.set(this.target.name, [...others, line].slice(-recalledMax));
    this.#back = 0;
    this.text = this.isForServer ? `${this.name} ` : "";
  }

  /** Sends the line with a key for the name that was refused; `name~key` is taken as well. */
  enterKey(typed: string): void {
    const key = typed.trim().replace(/^[^~]*~/u, "");
    if (this.refused === undefined || key === "" || /\s/u.test(key)) return;
    this.text = this.text.replace(/^\s*\S+/u, `${this.refused.name}~${key}`);
    this.send(true);
    this.text = withoutKey(this.text); // It stays where the gateway is gone.
  }

  /** False when what a stream began with is not kept whole, or is too much for the line, or its target is not there. */
  canRepeat({ intent, isWithServer, firstBytes }: Stream): boolean {
    const isThere = this.#parts.streams.targets.some(({ name }) => name === intent.target.name);
    return isThere && (isWithServer || (firstBytes !== undefined && firstBytes.length <= lineCharactersMax));
  }

  edit({ intent, isWithServer, firstBytes = new Uint8Array(0) }: Stream): void {
    this.choose(intent.target.name);
    if (isWithServer) this.text = withoutKey(intent.message).trimEnd();
    else {
      if (!isUtf8(firstBytes)) this.set({ input: "hex" });
      this.#write(firstBytes);
    }
  }

  /** Sends what a stream began with again, on a connection of its own. */
  sendAgain({ intent, isWithServer, firstBytes: bytes }: Stream): void {
    const { target, user, message, end = false } = intent;
    if (isWithServer) this.#sendToServer(withoutKey(message));
    else if (bytes !== undefined) this.#hold(this.#parts.streams.connect({ user, target, bytes, end, by: "user" }));
  }

  /** The next line begins with this name, unless one is being typed. @param before the user as whom it was created */
  useName(name: string, before = ""): void {
    if (this.isForServer && ["", withoutKey(before)].includes(this.text.trim())) this.text = `${name} `;
  }

  /** Goes to the line that was sent before the one shown, or forward again; false when there is none. */
  recall(step: -1 | 1): boolean {
    const lines = this.#recalled.get(this.target.name) ?? [];
    const back = this.#back - step;
    if (back < 0 || back > lines.length) return false;
    if (this.#back === 0) this.#typed = this.text;
    this.#back = back;
    this.text = (back === 0 ? this.#typed : lines.at(-back)) ?? "";
    return true;
  }

  #write(bytes: Uint8Array): void {
    if (this.settings.input === "hex") this.text = encodeHex(bytes);
    else if (isUtf8(bytes)) this.text = withoutLineEnd(decodeText(bytes));
  }

  #draftOf(line: string): Draft {
    return makeDraft(line, (name) => this.#parts.identity.keyring.withKey(name), this.#parts.operations.list);
  }

  #sendToServer(line: string): boolean {
    if (!this.#parts.streams.hasServer) return false;
    const { message, request } = this.#draftOf(line);
    const [user = ""] = message.trim().split(/\s/u, 1);
    const { target } = this.#parts.streams;
    const stream =
      request === undefined
        ? this.#parts.streams.connect({ user, target, bytes: encodeText(message), by: "user" })
        : this.#parts.streams.request({ ...request, by: "user" });
    this.#onSent(stream);
    this.refused = undefined;
    void stream?.over.then(({ answer }) => answer === "unauthenticated" && this.#askForKey(user, line));
    return stream !== undefined;
  }

  /** The line comes back, for the key of its name or for another name. */
  #askForKey(user: string, line: string): void {
    const [name = "", key] = user.split("~", 2);
    if (!this.isForServer || ![name, ""].includes(this.text.trim())) return;
    this.text = withoutKey(line.trim());
    this.refused = { name, hadKey: key !== undefined };
    this.panel = "identity";
  }

  #sendBytes(bytes: Uint8Array): boolean {
    const { conversation, settings, target } = this;
    if (conversation !== undefined && settings.keepsOpen) {
      void this.#parts.streams.show(conversation);
      return this.#parts.streams.write(conversation, bytes);
    }
    const end = !settings.keepsOpen && bytes.length > 0;
    return this.#hold(this.#parts.streams.connect({ user: "", target, bytes, end, by: "user" }));
  }

  /** The next line goes on this stream, unless FIN followed what it began with. False when there is none. */
  #hold(stream: Stream | undefined): boolean {
    this.#onSent(stream);
    if (stream === undefined) return false;
    if (stream.intent.end !== true) this.#conversations.set(stream.intent.target.name, stream);
    return true;
  }
}
