/**
 * The services of the lessons that run [G-17].
 *
 * A page that runs a lesson has services of its own, so that the learners of a class do not stand in each other's queue. One
 * listens on a port of 127.0.0.1 that the system chooses, from the page's first stream to it until the last one is over.
 * Nothing of it exists before and after. Only streams of pages find them: they are no targets of the relay and of
 * listening ports, since those know the operator's targets alone.
 */

import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Target } from "@wirebook/net";
import type { AnnouncedTarget } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";
import type { Stream } from "../streams/stream.ts";
import { lessonServices } from "./services.ts";
import type { LessonService } from "./services.ts";

const host = "127.0.0.1";

/** Where nothing listens: below 1024 only root could, and TCPMUX (RFC 1078) is history. */
const closedPort = 1;

/** The lessons of one gateway. */
export class Lessons {
  /** By name; their port is 0, since they do not listen. Empty without `--lessons`. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly #limits: GatewayLimits;
  readonly #running = new Set<RunningService>();

  constructor(isOn: boolean, limits: GatewayLimits) {
    const names = isOn ? Object.keys(lessonServices) : [];
    this.targets = new Map(names.map((name) => [name, targetAt(name, 0)]));
    this.#limits = limits;
  }

  /** What a page is told of them: no address, which they do not have yet. */
  get announced(): AnnouncedTarget[] {
    return [...this.targets.values()].map(({ name, address: { transport } }) => ({
      name,
      transport,
      proxyHeaderBytes: 0,
    }));
  }

  /** Starts a stream of a page once the service listens. */
  enter(stream: Stream): void {
    const { lessonServicesMax, lessonStreamsMax } = this.#limits;
    const { name } = stream.request.target;
    const { create } = serviceOf(name);
    if (create === undefined) return stream.start(targetAt(name, closedPort));
    let service = this.#find(stream);
    if (service === undefined && this.#running.size >= lessonServicesMax) {
      return stream.onBusy(`${lessonServicesMax} services of lessons are running; try again in a moment`);
    }
    if (service !== undefined && service.streams.size >= lessonStreamsMax) {
      return stream.onBusy(`${lessonStreamsMax} streams to ${name} are running; wait until one of them ends`);
    }
    service ??= new RunningService(stream, create(), this.#limits);
    this.#running.add(service);
    service.streams.add(stream);
    service.start(stream).catch((error: unknown) => stream.onInternalError(error));
  }

  /** A stream is over; does nothing for one to another target. */
  leave(stream: Stream): void {
    const service = this.#find(stream);
    if (service === undefined || !service.streams.delete(stream) || service.streams.size > 0) return;
    this.#running.delete(service);
    void service.close();
  }

  #find({ owner, request }: Stream): RunningService | undefined {
    return [...this.#running].find((each) => each.owner === owner && each.name === request.target.name);
  }
}

function targetAt(name: string, port: number): Target {
  const { transport, tls } = serviceOf(name);
  return { name, address: { transport, host, port, ...tls }, proxy: undefined };
}

function serviceOf(name: string): LessonService {
  return lessonServices[name] as LessonService;
}

/** A service of one page. */
class RunningService {
  readonly owner: object;
  readonly name: string;
  readonly streams = new Set<Stream>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #target: Promise<Target>;

  constructor({ owner, request }: Stream, server: Server, limits: GatewayLimits) {
    this.owner = owner;
    this.name = request.target.name;
    this.#server = server;
    this.#server.maxConnections = limits.lessonStreamsMax;
    this.#server.on("connection", (socket: Socket) => this.#adopt(socket, limits));
    const { transport } = serviceOf(this.name);
    this.#server.on(transport === "tls" ? "secureConnection" : "connection", (socket: Socket) =>
      limitBytes(socket, limits.lessonBytesMax),
    );
    this.#target = this.#listen();
  }

  /** The page may end the stream meanwhile. */
  async start(stream: Stream): Promise<void> {
    const target = await this.#target.catch(({ code = "" }: NodeJS.ErrnoException) => code);
    if (stream.outcome !== undefined) return;
    if (typeof target === "string") {
      return stream.onBusy(`the service of this lesson cannot listen (${target}); try again in a moment`);
    }
    stream.start(target);
  }

  /** Nothing listens afterwards, and no connection is left. */
  async close(): Promise<void> {
    await this.#target.catch(() => undefined); // A server that is about to listen cannot be closed.
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #listen(): Promise<Target> {
    this.#server.listen({ host, port: 0 });
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    return targetAt(this.name, port);
  }

  #adopt(socket: Socket, { lessonConnectionMs }: GatewayLimits): void {
    const timer = setTimeout(() => socket.destroy(), lessonConnectionMs);
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
  }
}

/** Counts what is read: a socket that was paused stays so. */
function limitBytes(socket: Socket, bytesMax: number): void {
  let bytes = 0;
  socket.on("error", () => socket.destroy());
  socket.on("data", ({ length }: Buffer) => {
    bytes += length;
    if (bytes > bytesMax) socket.destroy();
  });
}
