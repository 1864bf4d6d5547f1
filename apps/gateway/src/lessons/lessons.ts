/**
 * The services of the lessons that run [G-17]. A page has its own, so that the learners of a class do not stand in each
 * other's queue: each listens on a free port of 127.0.0.1 from the page's first stream to it until the last one is over.
 */

import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { addAbortSignal } from "node:stream";
import type { Target } from "@wirebook/net";
import type { AnnouncedTarget } from "@wirebook/protocol";
import type { GatewayLimits } from "../limits.ts";
import type { Stream } from "../streams/stream.ts";
import { lessonServices, type LessonService } from "./services.ts";

const host = "127.0.0.1";

/** Where nothing listens: below 1024 only root could, and TCPMUX (RFC 1078) is history. */
const closedPort = 1;

type RunningService = ReturnType<typeof run>;

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

  get announced(): AnnouncedTarget[] {
    const targets = [...this.targets.values()];
    return targets.map(({ name, address: { transport } }) => ({ name, transport, proxyHeaderBytes: 0 }));
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
    service ??= run(name, create(), this.#limits);
    this.#running.add(service);
    service.streams.add(stream);
    // The page may end the stream meanwhile.
    service.target
      .then(
        (target) => stream.outcome ?? stream.start(target),
        ({ code = "" }: NodeJS.ErrnoException) =>
          stream.outcome ?? stream.onBusy(`the service of this lesson cannot listen (${code}); try again in a moment`),
      )
      .catch((error: unknown) => stream.onInternalError(error));
  }

  /** A stream is over; does nothing for one to another target. */
  leave(stream: Stream): void {
    const service = this.#find(stream);
    if (service === undefined || !service.streams.delete(stream) || service.streams.size > 0) return;
    this.#running.delete(service);
    void service.close();
  }

  /** That of the stream's page and target. */
  #find({ owner, request: { target } }: Stream): RunningService | undefined {
    const isOf = (other: Stream): boolean => other.owner === owner && other.request.target.name === target.name;
    return [...this.#running].find(({ streams }) => [...streams].some(isOf));
  }
}

function targetAt(name: string, port: number): Target {
  const { transport, tls } = serviceOf(name);
  return { name, address: { transport, host, port, ...tls }, proxy: undefined };
}

function serviceOf(name: string): LessonService {
  return lessonServices[name] as LessonService;
}

function run(name: string, server: Server, limits: GatewayLimits) {
  const sockets = new Set<Socket>();
  server.maxConnections = limits.lessonStreamsMax;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    addAbortSignal(AbortSignal.timeout(limits.lessonConnectionMs), socket);
  });
  server.on(serviceOf(name).transport === "tls" ? "secureConnection" : "connection", (socket: Socket) =>
    limitBytes(socket, limits.lessonBytesMax),
  );
  const listening = once(server.listen({ host, port: 0 }), "listening");
  return {
    streams: new Set<Stream>(),
    /** Rejects when it cannot listen. */
    target: listening.then(() => targetAt(name, (server.address() as AddressInfo).port)),
    async close(): Promise<void> {
      await listening.catch(() => undefined); // A server that is about to listen cannot be closed.
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
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
