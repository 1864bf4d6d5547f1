/**
 * What the page watches: connections of others that pass through the gateway [G-15].
 *
 * The frames of a flow make one more `Stream`, so the inspector, the notes and the export take it as any other. They come
 * in the order of the gateway's log, whose positions are counted here: after a reconnect the gateway goes on from there, and
 * no frame comes twice. What the log has dropped meanwhile is told by gap frames.
 *
 * Times are the gateway's, counted from the moment at which it accepted the connection, so they are exact among themselves.
 */

import { defined, flowIdMin } from "@wirebook/protocol";
import type { ByteFrame, Endpoint, FlowFaults, GatewayFrame, ListeningPort } from "@wirebook/protocol";
import type { GatewayConnection, Hello } from "../gateway/connection.svelte.ts";
import { flowBytesKept, flowsKept } from "../limits.ts";
import { resultOf } from "../streams/result.ts";
import { Stream } from "../streams/stream.svelte.ts";
import { StreamList } from "../streams/stream-list.svelte.ts";

type Head = Extract<GatewayFrame, { type: "flow" }>;
type End = Extract<GatewayFrame, { type: "end" | "error" }>;

export class Flows {
  /** True when the gateway lets this page watch. */
  mayWatch = $state(false);
  /** True when this page may set the faults of a listening port. */
  maySetFaults = $state(false);
  listening = $state.raw<readonly ListeningPort[]>([]);
  /** Flows that began while their list was out of sight. */
  unseen = $state(0);
  /** True while their list is in sight. */
  isSeen = false;
  /** The words by which the list is filtered. */
  filter = $state("");
  readonly #connection: Pick<GatewayConnection, "send" | "clock" | "hello">;
  readonly #presentation: string | undefined;
  readonly #all = new StreamList({ streamsMax: flowsKept, bytesMax: flowBytesKept });
  #epoch: string | undefined;
  #position = 0;

  /** @param presentation the token of a presentation to watch, instead of what passes through the gateway */
  constructor(connection: Pick<GatewayConnection, "send" | "clock" | "hello">, presentation?: string) {
    this.#connection = connection;
    this.#presentation = presentation;
  }

  /** The newest first; those of an earlier epoch as well. */
  get list(): readonly Stream[] {
    return this.#all.all.toReversed();
  }

  /** Flows that went because there were too many. */
  get droppedCount(): number {
    return this.#all.droppedCount;
  }

  /** The gateway is there, for the first time or again. */
  open({ mayWatch, listening, role }: Hello): void {
    this.mayWatch = mayWatch || this.#presentation !== undefined;
    this.maySetFaults = role === "operator";
    this.listening = listening;
    if (!this.mayWatch) return;
    const from = this.#epoch === undefined ? undefined : { epoch: this.#epoch, position: this.#position };
    this.#connection.send({ type: "watch", ...defined({ from, presentation: this.#presentation }) });
  }

  /** A text frame came; false when it is about no flow. */
  takeFrame(frame: GatewayFrame): boolean {
    if (frame.type === "watching") this.#begin(frame);
    else if (frame.type === "listening") this.listening = frame.listening;
    else if (frame.type === "flow") this.#takeHead(frame);
    else if (frame.type === "gap") this.#noteGap(frame);
    else if ((frame.type === "end" || frame.type === "error") && (frame.id ?? 0) >= flowIdMin) this.#end(frame);
    else return false;
    return true;
  }

  /** A byte frame of a flow came: each counts one position, also that of a flow which is not kept. */
  takeBytes(frame: ByteFrame): void {
    this.#position += 1;
    const stream = this.#all.get(frame.id);
    if (stream?.state !== "running") return;
    stream.takeBytes(frame);
    this.#all.grew(stream, frame.bytes.length);
    this.#all.mark();
  }

  /** Concerns new and running flows; an empty object takes all faults away. */
  setFaults(port: number, faults: FlowFaults): void {
    this.#connection.send({ type: "set-faults", port, faults });
  }

  /** Forgets those that are over. */
  clear(): void {
    this.#all.clear();
  }

  /** The list has come into sight, or has left it. */
  see(isSeen: boolean): void {
    this.isSeen = isSeen;
    if (isSeen) this.unseen = 0;
  }

  /** Nothing more comes. */
  lose(): void {
    for (const stream of this.#all.all) this.#loseEnd(stream);
  }

  #begin({ epoch, position, flows }: Extract<GatewayFrame, { type: "watching" }>): void {
    const isOther = epoch !== this.#epoch;
    const kept = new Set(isOther ? [] : flows);
    for (const stream of this.#all.all) {
      // Another store may give the same id again.
      if (isOther) this.#all.forget(stream);
      if (!kept.has(stream.id)) this.#loseEnd(stream);
    }
    this.#epoch = epoch;
    this.#position = position;
  }

  #noteGap({ id, position, sentBytes, receivedBytes }: Extract<GatewayFrame, { type: "gap" }>): void {
    this.#move(position);
    this.#all.get(id)?.noteGap(sentBytes, receivedBytes);
  }

  #loseEnd(stream: Stream): void {
    if (stream.state !== "running") return;
    const message = "the gateway does not keep this flow any more, so its end is not known";
    stream.end({ kind: "failed", hop: "page-gateway", code: "gateway-lost", message }, latestMs(stream));
    this.#all.mark();
  }

  #takeHead(head: Head): void {
    this.#move(head.position);
    const held = this.#all.get(head.id);
    // The page has let go of it, and gets no more of it than its end.
    if (held === undefined && head.isChange === true) return;
    // The gateway had forgotten it, and presents it again.
    const known = held?.state === "running" || head.isChange === true ? held : undefined;
    const stream = known ?? this.#create(head.id, head.target, head.at.received ?? 0);
    const { via, port, client, faults, name } = head;
    const gateway = this.#gatewayEnd(head);
    stream.takeHead({ via, ...defined({ port, client, faults, name, gateway }) }, head);
    if (known !== undefined) return;
    this.#all.add(stream);
    if (!this.isSeen) this.unseen += 1;
  }

  #create(id: number, target: Head["target"], receivedMs: number): Stream {
    const { clock, hello } = this.#connection;
    const { timeOrigin } = performance;
    const offsetMs = clock?.offsetMs ?? timeOrigin - (hello?.timeOrigin ?? timeOrigin);
    const atMs = receivedMs - offsetMs;
    const startedAt = new Date(timeOrigin + atMs);
    return new Stream(id, { target, user: "", message: "", by: "flow", startedAt }, "", { atMs, text: "" });
  }

  #end(frame: End): void {
    this.#move(frame.position);
    const stream = this.#all.get(frame.id ?? 0);
    if (stream?.state !== "running") return;
    const { record } = stream;
    stream.noteGap(frame.sentBytes ?? 0, frame.receivedBytes ?? 0);
    for (const [step, atMs] of Object.entries(frame.at)) record.mark(step as keyof typeof frame.at, atMs);
    const outcome =
      frame.type === "end"
        ? ({ kind: "ended", reason: frame.reason } as const)
        : ({ kind: "failed", code: frame.code, hop: frame.hop, message: frame.message } as const);
    stream.end(outcome, latestMs(stream));
    this.#all.mark();
  }

  /** The gateway's end of the client's connection. One that listens on all addresses does not say which it was. */
  #gatewayEnd({ client, port }: Pick<Head, "client" | "port">): Endpoint | undefined {
    const host = this.listening.find((each) => each.port === port)?.host;
    if (client === undefined || port === undefined || host === undefined) return undefined;
    const isUsable = host.includes(":") === client.address.includes(":") && !/^(0\.0\.0\.0|::)$/.test(host);
    return { address: isUsable ? host : client.address, port };
  }

  #move(position: number | undefined): void {
    this.#position = position ?? this.#position;
  }
}

/** The filter of the traffic: words that the name, target, client or state has. A minus means that none may. */
export function parseFlowFilter(text: string): (flow: Stream) => boolean {
  const words = text.toLowerCase().match(/\S+/gu) ?? [];
  return (flow) => {
    const { name, intent, clientName, state } = flow;
    const own = [name, intent.target.name, clientName, state, resultOf(flow).word].join(" ").toLowerCase();
    return words.every((word) =>
      word.startsWith("-") && word.length > 1 ? !own.includes(word.slice(1)) : own.includes(word),
    );
  };
}

/** The page's time of the last thing that is known of it. */
function latestMs(stream: Stream): number {
  const { at, record } = stream;
  return stream.toPageMs(at.closed ?? record.latest?.atMs ?? at.received ?? 0);
}
