/**
 * The one line that people type into, for whatever target is chosen.
 *
 * A line for the Wirebook server is a message of its protocol: its first word is the name that sends it, and the key of
 * that name is added on the way. A line for any other target goes as it was typed, and the connection that the first one
 * opened takes the next ones until it ends.
 */

import { decodeText, encodeText, isUtf8 } from "@wirebook/protocol";
import type { AnnouncedTarget } from "@wirebook/protocol";
import * as z from "zod/mini";
import { serverName } from "../gateway/targets.ts";
import { lineCharactersMax } from "../limits.ts";
import type { Operations } from "../streams/operations.svelte.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { Persisted } from "../ui/browser.ts";
import { count } from "../ui/format.ts";
import { makeDraft, withoutKey } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { Identity } from "./identity.svelte.ts";
import { decodeHex, encodeHex, encodeLines, linesOf, withoutLineEnd } from "./line-bytes.ts";

/** The name that a first visitor is offered: the sample user of the reference implementation. */
export const sampleName = "brick";

/** Characters of an entry's name that a sentence repeats. */
const shownCharacters = 40;

/** How lines go to a target. */
const targetSettings = z.object({
  lineEnd: z.enum(["CRLF", "LF", "CR", "none"]),
  input: z.enum(["text", "hex"]),
  /** True when a connection stays open for more lines; else FIN follows each. */
  keepsOpen: z.boolean(),
});

type TargetSettings = z.infer<typeof targetSettings>;

/** The line end of most text protocols of the Internet: SMTP, IMAP, FTP, HTTP, redis. */
const usual: TargetSettings = { lineEnd: "CRLF", input: "text", keepsOpen: true };

/** A Wirebook server takes one message a connection, and closes it after the reply. */
const forServer: TargetSettings = { lineEnd: "LF", input: "text", keepsOpen: false };

/** Targets whose settings this browser remembers. */
const rememberedMax = 64;

/** A line whose name the server did not accept. */
interface RefusedLine {
  readonly name: string;
  readonly hadKey: boolean;
  /** Without a key. */
  readonly line: string;
}

export class CommandLine {
  text = $state("");
  /** What is open above the line. */
  panel = $state<"identity" | "fields" | "bytes">();
  refused = $state.raw<RefusedLine>();
  /** Why an entry was not sent again or edited. */
  notice = $state("");
  /** What is sent once its size was seen. */
  file = $state.raw<File>();
  readonly #operations: Operations;
  readonly #identity: Identity;
  readonly #streams: Streams;
  readonly #onSent: (stream: Stream | undefined) => void;
  readonly #keptTarget = new Persisted("target");
  readonly #keptSettings = new Persisted("target-settings");
  #chosen = $state(this.#keptTarget.read());
  #settings = $state.raw<ReadonlyMap<string, TargetSettings>>(
    new Map(this.#keptSettings.readAs(z.array(z.tuple([z.string(), targetSettings])))),
  );
  readonly #recalls = new Map<string, InputHistory>();
  /** What the page put into the empty line. */
  #proposed = "";
  /** The latest conversation with each target. */
  #conversations = $state.raw<ReadonlyMap<string, Stream>>(new Map());

  /** @param onSent gets each stream that a line opened */
  constructor(
    operations: Operations,
    identity: Identity,
    streams: Streams,
    onSent: (stream: Stream | undefined) => void,
  ) {
    this.#operations = operations;
    this.#identity = identity;
    this.#streams = streams;
    this.#onSent = onSent;
  }

  /** The chosen one among those that there are, or else the usual one. */
  get target(): AnnouncedTarget {
    return this.#streams.targets.find(({ name }) => name === this.#chosen) ?? this.#streams.target;
  }

  get isForServer(): boolean {
    return this.target.name === serverName;
  }

  get settings(): TargetSettings {
    return this.isForServer ? forServer : (this.#settings.get(this.target.name) ?? usual);
  }

  set(change: Partial<TargetSettings>): void {
    const { bytes, settings } = this;
    const { name } = this.target;
    const others = [...this.#settings].filter(([each]) => each !== name).slice(1 - rememberedMax);
    this.#settings = new Map([...others, [name, { ...settings, ...change }]]);
    this.#keptSettings.write(JSON.stringify([...this.#settings]));
    if (change.input === undefined || change.input === settings.input || this.text === "") return;
    // What is typed stays the same bytes, where they can be written the other way.
    if (bytes === undefined || (change.input === "text" && !decodeText(bytes).isWellFormed())) return;
    this.text = change.input === "hex" ? encodeHex(bytes) : withoutLineEnd(decodeText(bytes));
  }

  choose(name: string): void {
    this.#chosen = name;
    this.#keptTarget.write(name);
    this.panel = undefined;
    this.refused = undefined;
    this.file = undefined;
    this.notice = "";
    this.text = "";
    if (this.isForServer && this.#identity.hasConnected) this.#propose(this.name);
  }

  /** The name of the line, or the one that was accepted last. */
  get name(): string {
    const word = this.isForServer ? (/^\s*([^\s~]+)/u.exec(this.text)?.[1] ?? "") : "";
    return word || this.#identity.name || sampleName;
  }

  /** What the line means to the Wirebook server. */
  get draft(): Draft {
    return this.#draftOf(this.text);
  }

  /** The bytes that Send would send; `undefined` while the text makes none. */
  get bytes(): Uint8Array | undefined {
    if (this.isForServer) return encodeText(this.draft.message);
    if (this.isConnect) return new Uint8Array(0);
    return this.settings.input === "text" ? encodeLines(this.text, this.settings.lineEnd) : decodeHex(this.text).bytes;
  }

  /** Why the line is not sent as it is. */
  get problem(): string | undefined {
    if (this.isForServer) return this.draft.problem;
    if (this.text.length > lineCharactersMax) {
      return `the text has ${count(this.text.length)} characters, over the limit of ${count(lineCharactersMax)}; send it as a file`;
    }
    return this.settings.input === "hex" ? decodeHex(this.text).problem : undefined;
  }

  /** Lines that Send would send: more than one must be meant. */
  get lineCount(): number {
    return this.isForServer || this.settings.input === "hex" ? 1 : linesOf(this.text).length;
  }

  /** The latest conversation with the target, open or over. */
  get latest(): Stream | undefined {
    return this.#conversations.get(this.target.name);
  }

  /** How an open conversation is ended. */
  waysToClose(stream: Stream) {
    return [
      { label: "Close", about: "send FIN and read on", run: () => this.#streams.end(stream) },
      { label: "Reset", about: "send RST at once", run: () => this.#streams.reset(stream) },
      { label: "Leave", about: "let the gateway close it", run: () => this.#streams.cancel(stream) },
    ];
  }

  /** The conversation that takes the next line. */
  get conversation(): Stream | undefined {
    const { latest } = this;
    return latest?.state === "running" && !latest.isEnding ? latest : undefined;
  }

  /** True when Send opens a connection and waits for what the target says. */
  get isConnect(): boolean {
    return !this.isForServer && this.text === "" && this.conversation === undefined;
  }

  get canSend(): boolean {
    if (this.problem !== undefined) return false;
    return this.isForServer ? this.draft.message !== "" : this.isConnect || (this.bytes?.length ?? 0) > 0;
  }

  send(): void {
    const { bytes } = this;
    if (!this.canSend || bytes === undefined) return;
    this.notice = "";
    if (this.isForServer ? this.#sendToServer(this.text) : this.sendBytes(bytes)) this.#noteSent();
  }

  /** Sends a message although the protocol refuses it, to see the server's answer. */
  sendAnyway(): void {
    if (!this.isForServer || this.draft.message === "") return;
    if (this.#sendToServer(this.text)) this.#noteSent();
  }

  /** Sends bytes to another target: on the open conversation, or else on a new connection. False without a gateway. */
  sendBytes(bytes: Uint8Array): boolean {
    const { conversation, settings, target } = this;
    if (conversation !== undefined && settings.keepsOpen) {
      void this.#streams.show(conversation);
      return this.#streams.write(conversation, bytes);
    }
    const end = !settings.keepsOpen && bytes.length > 0;
    return this.#hold(this.#streams.connect({ user: "", target, bytes, end, by: "user" }));
  }

  /** Sends the line that was refused again, with a key; `name~key` is taken as well. */
  enterKey(typed: string): void {
    const { refused } = this;
    const key = typed.trim().replace(/^[^~]*~/u, "");
    if (refused === undefined || key === "" || /\s/u.test(key)) return;
    this.#sendToServer(refused.line.replace(/^\S+/u, `${refused.name}~${key}`));
  }

  /** Puts the line that was refused back, for another name. */
  useAnotherName(): void {
    if (this.refused !== undefined) this.text = this.refused.line;
    this.refused = undefined;
  }

  /** Puts the line of a stream back, to be changed. */
  edit(stream: Stream): void {
    const { intent, isWithServer, firstBytes: bytes } = stream;
    const { target, message } = intent;
    this.notice = "";
    if (!isWithServer && (bytes === undefined || bytes.length > lineCharactersMax)) {
      this.notice = `${stream.name.slice(0, shownCharacters)} began with more bytes than can be edited here. Send them as a file.`;
      return;
    }
    if (this.#streams.targets.some(({ name }) => name === target.name)) this.choose(target.name);
    if (isWithServer || bytes === undefined) this.text = withoutKey(message).trimEnd();
    else {
      if (!isUtf8(bytes)) this.set({ input: "hex" });
      this.text = this.settings.input === "hex" ? encodeHex(bytes) : withoutLineEnd(message);
    }
  }

  /** Sends what a stream began with again, on a connection of its own. */
  sendAgain(stream: Stream): void {
    const { intent, isWithServer, firstBytes: bytes } = stream;
    const { target, user, message, end = false } = intent;
    this.notice = "";
    if (isWithServer) this.#sendToServer(withoutKey(message));
    else if (bytes !== undefined) this.#hold(this.#streams.connect({ user, target, bytes, end, by: "user" }));
    else
      this.notice = `${stream.name.slice(0, shownCharacters)} was not sent again: its bytes are not kept whole. Send them as a file.`;
  }

  /** True when the server creates usernames. */
  get canRegister(): boolean {
    return this.#identity.hasConnected && this.#operations.offering("create-user") !== undefined;
  }

  /** Creates a user; the page keeps the key and sends as that user. @param name `""` lets the server make one */
  register(name: string): void {
    const operation = this.#operations.offering("create-user")?.number;
    if (operation === undefined || this.#identity.keyring.isFull) return;
    this.#sendToServer([this.name, operation, name.trim()].join(" "));
  }

  /** The next line begins with this name. @param before the user as whom it was created: what is typed for that one changes hands */
  useName(name: string, before = ""): void {
    this.refused = undefined;
    if (!this.isForServer) return;
    const [typed = ""] = this.text.split(/\s/u, 1);
    if (this.text === "" || this.text === this.#proposed) this.#propose(name);
    else if (typed === withoutKey(before)) this.text = name + this.text.slice(typed.length);
  }

  /** Goes to the line that was sent before the one shown, or forward again; false when there is none. */
  recall(step: -1 | 1): boolean {
    const line = step < 0 ? this.#recall.back(this.text) : this.#recall.forward();
    this.text = line ?? this.text;
    return line !== undefined;
  }

  get #recall(): InputHistory {
    const { name } = this.target;
    const recall = this.#recalls.get(name) ?? new InputHistory();
    this.#recalls.set(name, recall);
    return recall;
  }

  #draftOf(line: string): Draft {
    return makeDraft(line, (name) => this.#identity.keyring.withKey(name), this.#operations.list);
  }

  /** False when there is no connection to the gateway, or no such server behind it. */
  #sendToServer(line: string): boolean {
    if (!this.#streams.hasServer) return false;
    const { message, request } = this.#draftOf(line);
    const [user = ""] = message.trim().split(/\s/u, 1);
    const target = this.#streams.target;
    const stream =
      request === undefined
        ? this.#streams.connect({ user, target, bytes: encodeText(message), by: "user" })
        : this.#streams.request({ ...request, by: "user" });
    this.#onSent(stream);
    this.refused = undefined;
    void stream?.over.then(({ answer }) => {
      if (answer !== "unauthenticated") return;
      const [name = "", key] = user.split("~", 2);
      this.panel = undefined;
      this.refused = { name, hadKey: key !== undefined, line: withoutKey(line.trim()) };
    });
    return stream !== undefined;
  }

  /** The next line goes on this stream, unless FIN followed what it began with. False when there is none. */
  #hold(stream: Stream | undefined): boolean {
    this.#onSent(stream);
    if (stream === undefined) return false;
    if (stream.intent.end !== true)
      this.#conversations = new Map(this.#conversations).set(stream.intent.target.name, stream);
    return true;
  }

  /** What is recalled shows no key: the keyring has one that was typed, once a server accepts it. */
  #noteSent(): void {
    const line = this.isForServer ? withoutKey(this.text.trim()) : this.text;
    if (line !== "") this.#recall.add(line);
    if (this.isForServer) this.#propose(this.name);
    else this.text = "";
  }

  /** Begins the next line with the name that sends it. */
  #propose(name: string): void {
    this.#proposed = `${name} `;
    this.text = this.#proposed;
  }
}

/** Lines that are recalled for each target. */
export const recalledMax = 100;

/** Steps through what was sent before, and back to what was being typed. */
export class InputHistory {
  #items: string[] = [];
  #at = 0;
  #typed = "";

  /** Of two equal lines only the newer is kept. */
  add(line: string): void {
    this.#items = [...this.#items.filter((each) => each !== line), line].slice(-recalledMax);
    this.#at = this.#items.length;
  }

  /** The previous one; `forward` leads back to `typed`. `undefined` when there is none. */
  back(typed: string): string | undefined {
    if (this.#at === 0) return undefined;
    if (this.#at === this.#items.length) this.#typed = typed;
    this.#at -= 1;
    return this.#items[this.#at];
  }

  /** The next one, and behind the last what was typed. `undefined` when there is nothing further. */
  forward(): string | undefined {
    if (this.#at === this.#items.length) return undefined;
    this.#at += 1;
    return this.#items[this.#at] ?? this.#typed;
  }
}
