/**
 * What the page watches: connections of others that pass through the gateway [G-15], each a `Stream`. Positions in the
 * gateway's log are counted: after a reconnect it goes on from there, and gap frames tell what it has dropped meanwhile.
 */

import { defined, flowIdMin } from "@wirebook/protocol";
import type { ByteFrame, Endpoint, FlowFaults, GatewayFrame, ListeningPort } from "@wirebook/protocol";
import type { GatewayConnection, Hello } from "../gateway/connection.svelte.ts";
import { flowBytesKept, flowsKept } from "../limits.ts";
import { resultOf } from "../streams/result.ts";
import { Stream } from "../streams/stream.svelte.ts";
import { StreamList } from "../streams/stream-list.svelte.ts";

type FrameOf<Type extends GatewayFrame["type"]> = Extract<GatewayFrame, { type: Type }>;

export class Flows {
  listening = $state.raw<readonly ListeningPort[]>([]);
  filter = $state("");
  readonly #connection: Pick<GatewayConnection, "send" | "clock" | "hello">;
  readonly #presentation: string | undefined;
  readonly #all = new StreamList(flowsKept, flowBytesKept);
  #epoch: string | undefined;
  #position = 0;

  /** @param presentation the token of a presentation to watch, instead of what passes through the gateway */
  constructor(connection: Pick<GatewayConnection, "send" | "clock" | "hello">, presentation?: string) {
    this.#connection = connection;
    this.#presentation = presentation;
  }

  get mayWatch(): boolean {
    const { hello } = this.#connection;
    return hello !== undefined && (hello.mayWatch || this.#presentation !== undefined);
  }

  get maySetFaults(): boolean {
    return this.#connection.hello?.role === "operator";
  }

  /** The newest first; those of an earlier epoch as well. */
  get list(): readonly Stream[] {
    return this.#all.all.toReversed();
  }

  get shown(): readonly Stream[] {
    return this.list.filter(parseFlowFilter(this.filter));
  }

  get droppedCount(): number {
    return this.#all.droppedCount;
  }

  open({ listening }: Hello): void {
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
    else if (frame.type === "gap") this.#moveTo(frame)?.noteGap(frame.sentBytes, frame.receivedBytes);
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

  clear(): void {
    this.#all.clear();
  }

  /** Nothing more comes of those that are not kept by the gateway. */
  lose(kept?: ReadonlySet<number>): void {
    this.#all.lose("the gateway does not keep this flow any more, so its end is not known", undefined, kept);
  }

  #begin({ epoch, position, flows }: FrameOf<"watching">): void {
    const isOther = epoch !== this.#epoch;
    // Another store may give the same id again.
    if (isOther) for (const stream of this.#all.all) this.#all.forget(stream);
    this.lose(new Set(isOther ? [] : flows));
    this.#epoch = epoch;
    this.#position = position;
  }

  #takeHead(head: FrameOf<"flow">): void {
    const held = this.#moveTo(head);
    // The page has let go of it, and gets no more of it than its end.
    if (held === undefined && head.isChange === true) return;
    // The gateway had forgotten it, and presents it again.
    const known = held?.state === "running" || head.isChange === true ? held : undefined;
    const stream = known ?? this.#create(head);
    const { via, port, client, faults, name } = head;
    stream.flow = { via, ...defined({ port, client, faults, name, gateway: this.#gatewayEnd(head) }) };
    stream.takeHead(head);
    if (known === undefined) this.#all.add(stream);
  }

  #create({ id, target, at: { received = 0 } }: FrameOf<"flow">): Stream {
    const { clock, hello } = this.#connection;
    const { timeOrigin } = performance;
    const offsetMs = clock?.offsetMs ?? timeOrigin - (hello?.timeOrigin ?? timeOrigin);
    const atMs = received - offsetMs;
    const startedAt = new Date(timeOrigin + atMs);
    return new Stream(id, { target, user: "", message: "", by: "flow", startedAt }, "", { atMs, text: "" });
  }

  #end(frame: FrameOf<"end" | "error">): void {
    const stream = this.#moveTo(frame);
    if (stream?.state !== "running") return;
    stream.noteGap(frame.sentBytes ?? 0, frame.receivedBytes ?? 0);
    stream.takeEnd(frame);
    this.#all.mark();
  }

  /** The gateway's end of the client's connection. One that listens on all addresses does not say which it was. */
  #gatewayEnd({ client, port }: FrameOf<"flow">): Endpoint | undefined {
    const host = this.listening.find((each) => each.port === port)?.host;
    if (client === undefined || port === undefined || host === undefined) return undefined;
    const isUsable = host.includes(":") === client.address.includes(":") && !/^(0\.0\.0\.0|::)$/.test(host);
    return { address: isUsable ? host : client.address, port };
  }

  /** Notes the position of a frame, and gives the flow that it is about. */
  #moveTo({ id, position = this.#position }: { id: number | null; position?: number | undefined }): Stream | undefined {
    this.#position = position;
    return this.#all.get(id ?? 0);
  }
}

/** The filter of the traffic: words that the name, target, client or state has. A minus means that none may. */
export function parseFlowFilter(text: string): (flow: Stream) => boolean {
  const words = [...text.toLowerCase().matchAll(/(-?)(\S+)/gu)];
  return (flow) => {
    const { name, intent, clientName, state } = flow;
    const own = [name, intent.target.name, clientName, state, resultOf(flow).word].join(" ").toLowerCase();
    return words.every(([, minus, word = ""]) => own.includes(word) === (minus === ""));
  };
}
