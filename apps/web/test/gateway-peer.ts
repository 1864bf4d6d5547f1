import {
  encodeRequestEntry,
  encodeReplyHeader,
  encodeError,
  encodeFollowing,
  encodeSnapshotHeader,
  encodeResultEntry,
  encodeText,
  encodeTime,
  timestampOf,
  operations,
} from "@wirebook/protocol";
import type { ByteFrame, GatewayFrame, PageFrame } from "@wirebook/protocol";
import type { Streams } from "../src/streams/streams.svelte.ts";
import type { TimedText } from "../src/gateway/connection.svelte.ts";

type Request = Extract<PageFrame, { type: "request" }>;

/** The frame of one read at the gateway, without the id of its stream. */
export function readOf(bytes: Uint8Array, atMs = 0): Omit<ByteFrame, "id"> {
  return {
    kind: "data",
    leg: "target",
    isFromTarget: true,
    isAfterGap: false,
    queuedKiB: 0,
    atMs,
    bytes,
    writtenBytes: 0,
  };
}

/** The frame that tells of bytes that the kernel took. */
export function writtenOf(writtenBytes: number, atMs = 0): Omit<ByteFrame, "id"> {
  return { ...readOf(new Uint8Array(0), atMs), kind: "written", isFromTarget: false, writtenBytes };
}

/** In a turn of the loop of its own, in the order of the calls. */
const later = (deed: () => void) => setTimeout(deed, 1);

/**
 * A gateway and a server in memory, with a history that obeys the rules of operations none, 1, 2, 3 and 5.
 *
 * Every answer comes in a later turn of the loop; `beforeAnswer` may change the history in between, which is when a
 * careless follower would go wrong. `replyOf` can take the place of the server.
 */
export class Peer {
  lines: string[] = [];
  readonly asked: string[] = [];
  offersFollow = true;
  /** False for a server that does not name the version of what it reads. */
  offersSnapshot = true;
  beforeAnswer: (request: Request) => void = () => {};
  afterAnswer: (request: Request) => void = () => {};
  replyOf: ((request: Request) => string | undefined) | undefined;
  readonly #followers = new Set<number>();
  /** Lines that the follow holds back; `undefined` while it does not. */
  #held: string[] | undefined;
  #answered = Promise.withResolvers<void>();
  #streams: Streams | undefined;
  #clock = 0;
  #isOpen = true;

  readonly connection = {
    clock: undefined,
    hello: undefined,
    sendBytes: () => (this.#isOpen ? performance.now() : undefined),
    send: (frame: PageFrame): TimedText | undefined => {
      if (!this.#isOpen) return undefined;
      this.#take(frame);
      return { atMs: performance.now(), text: JSON.stringify(frame) };
    },
  };

  serve(streams: Streams): void {
    this.#streams = streams;
  }

  append(message: string): void {
    this.#write(encodeRequestEntry(this.#time(), "127.0.0.1", message, false));
  }

  delete(position: number): void {
    const [gone = ""] = this.lines.splice(position - 1, 1);
    const outcome = { verb: "deleted-line", line: position, head: timestampOf(gone) } as const;
    this.#write(encodeResultEntry(this.#time(), "127.0.0.1", "otter", outcome));
  }

  deleteAll(): void {
    this.lines = [];
    this.#write(encodeResultEntry(this.#time(), "127.0.0.1", "otter", { verb: "deleted-all" }));
  }

  /** Keeps the lines to come from the followers, until `releaseFollow`. */
  holdFollow(): void {
    this.#held = [];
    this.#answered = Promise.withResolvers<void>();
  }

  releaseFollow(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const line of held) this.#publish(line);
  }

  /** Resolves when a request was answered after `holdFollow`. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  /** The connection between page and gateway breaks; the server forgets the followers. */
  cut(): void {
    this.#isOpen = false;
    this.#followers.clear();
    this.#streams?.lose("cut");
  }

  mend(): void {
    this.#isOpen = true;
  }

  #take(frame: PageFrame): void {
    if (frame.type === "cancel") {
      this.#followers.delete(frame.id);
      queueMicrotask(() => this.#end(frame.id, "cancelled"));
    } else if (frame.type === "request") {
      const message = [frame.user, frame.operation, ...(frame.arguments ?? [])]
        .filter((word) => word !== undefined)
        .join(" ");
      this.asked.push(message);
      this.append(message);
      later(() => {
        this.#streams?.takeBytes({ ...writtenOf(encodeText(`${message}\n`).length), id: frame.id }, 0);
        this.beforeAnswer(frame);
        this.#answer(frame);
        this.afterAnswer(frame);
      });
    }
  }

  #answer(request: Request): void {
    const { id, operation } = request;
    const list = operations
      .filter(({ verb }) => this.offersFollow || verb !== "follow")
      .map((each) => ({
        ...each,
        parameters: each.parameters.filter(({ name }) => this.offersSnapshot || name !== "snapshot"),
      }));
    const header = encodeReplyHeader({ link: "https://example.org/wirebook", operations: list });
    const scripted = this.replyOf?.(request);
    if (scripted !== undefined) this.#send(id, scripted);
    else if (operation === 5) {
      this.#send(id, header + encodeFollowing(this.lines.length + 1));
      this.#followers.add(id);
      return;
    } else if (operation === 1) this.#send(id, header + this.#deleteLine(request.arguments?.map(String) ?? []));
    else if (operation === 3) {
      this.deleteAll();
      this.#send(id, `${header}Deleted all.\n`);
    } else if (operation === 2) this.#send(id, header + this.#read(request.arguments?.map(String) ?? []));
    else this.#send(id, header);
    this.#end(id, "fin");
  }

  #read(words: readonly string[]): string {
    const [from = 1, end = Infinity] = words.filter((word) => word !== "snapshot").map(Number);
    const lines = this.lines.length;
    const to = Math.min(end, lines);
    if (from > lines) return encodeError("FROM is past the last line");
    const text = this.lines.slice(from - 1, to).map((line) => `${line}\n`);
    const time = timestampOf(this.lines.at(-1) ?? "");
    const isVersion = this.offersSnapshot && words.includes("snapshot");
    return [isVersion ? encodeSnapshotHeader({ from, to, lines, time }) : "", ...text].join("");
  }

  #deleteLine([position = "", head]: string[]): string {
    const line = this.lines[Number(position) - 1] ?? "";
    if (head !== undefined && timestampOf(line) !== head) return encodeError("that line has another head");
    this.delete(Number(position));
    return `Deleted line ${position}.\n`;
  }

  #write(line: string): void {
    this.lines.push(line);
    if (this.#held === undefined) this.#publish(line);
    else this.#held.push(line);
  }

  #publish(line: string): void {
    for (const id of this.#followers) this.#send(id, `${line}\n`);
  }

  /** Bytes come in a later turn as well, in two reads. */
  #send(id: number, text: string): void {
    const bytes = encodeText(text);
    const middle = Math.floor(bytes.length / 2);
    for (const part of [bytes.subarray(0, middle), bytes.subarray(middle)]) {
      later(() => this.#streams?.takeBytes({ ...readOf(part), id }, performance.now()));
    }
  }

  #end(id: number, reason: "fin" | "cancelled"): void {
    const frame: GatewayFrame = { type: "end", id, reason, sentBytes: 0, receivedBytes: 0, at: {} };
    later(() => {
      this.#streams?.takeFrame(frame, { atMs: performance.now(), text: JSON.stringify(frame) });
      this.#answered.resolve();
    });
  }

  #time(): string {
    this.#clock += 1;
    return encodeTime(1_800_000_000_000_000 + this.#clock);
  }
}
