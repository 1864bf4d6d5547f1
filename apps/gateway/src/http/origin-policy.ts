/**
 * Which hosts and origins may connect to the gateway [G-1].
 *
 * A browser lets any website open a WebSocket to any address and sends no preflight, so the Origin header alone tells our
 * page from another website's. A website can also let its own host name resolve to 127.0.0.1 (DNS rebinding). Its page is
 * then "same origin" with us, and its name is in the Host header. Both headers are compared, character by character, with
 * a list of what is allowed: nothing is parsed, so nothing can be parsed differently.
 */

import { describeHostPort, isLoopback } from "@wirebook/net";
import { subprotocol } from "@wirebook/protocol";
import type { RefusalReason } from "../telemetry/metrics.ts";

/** Why a request is refused: the HTTP status, and the message for its body. */
export interface Refusal {
  readonly status: number;
  readonly reason: RefusalReason;
  readonly message: string;
  /** When to try again, where that helps. */
  readonly retryAfterMs?: number;
}

/** The headers that decide. */
export interface PolicyHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly "sec-websocket-protocol"?: string | undefined;
}

/** RFC 9110, section 7.2: a host of RFC 3986, section 3.2.2, and perhaps a port. */
const hostForm = /^(?:\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d*)?$/i;

/** The allow-list of one gateway. */
export class OriginPolicy {
  readonly #own: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  /**
   * @param scheme `https` when the gateway itself speaks TLS, else `http`
   * @param host where the gateway listens
   * @param port the port that it was given
   * @param origins what `--origin` named, each exactly as a browser writes it
   */
  constructor(scheme: "http" | "https", host: string, port: number, origins: readonly string[]) {
    const own = namesOf(host).map((name) => describeHostPort({ host: name.toLowerCase(), port }));
    // A browser leaves out the port that its scheme implies.
    const implied = scheme === "https" ? 443 : 80;
    if (port === implied) own.push(...own.map((name) => name.slice(0, -`:${port}`.length)));
    this.#own = new Set(own);
    this.#hosts = new Set([...own, ...origins.map((origin) => new URL(origin).host)]);
    this.#origins = new Set([...own.map((name) => `${scheme}://${name}`), ...origins]);
  }

  /** True for a name of the gateway where it listens, which a request that a proxy brings need not have. */
  isOwn(host: string | undefined): boolean {
    return host !== undefined && this.#own.has(host.toLowerCase());
  }

  /** True when the pages of a host come over https, and of none over http. */
  isHttpsAlone(host: string | undefined): boolean {
    const name = host?.toLowerCase();
    return this.#origins.has(`https://${name}`) && !this.#origins.has(`http://${name}`);
  }

  /** Checks any request: is it meant for this gateway? */
  refuseRequest({ host }: PolicyHeaders): Refusal | undefined {
    const help = `open ${this.#example()}, or start the gateway with --origin and the address that you use`;
    if (host === undefined) {
      return { status: 403, reason: "host", message: `the Host header is missing; ${help}` };
    }
    if (!hostForm.test(host)) {
      const message = `invalid Host header ${quote(host)}. Example: Host: ${[...this.#hosts][0]}`;
      return { status: 400, reason: "host", message };
    }
    if (this.#hosts.has(host.toLowerCase())) return undefined;
    return { status: 403, reason: "host", message: `this gateway does not serve the host ${quote(host)}; ${help}` };
  }

  /** Checks a page's request for a WebSocket, whose Host was found right. */
  refusePage({ origin, "sec-websocket-protocol": protocols = "" }: PolicyHeaders): Refusal | undefined {
    if (origin === undefined) {
      const message = `the Origin header is missing. Example: Origin: ${this.#example()}`;
      return { status: 403, reason: "origin", message };
    }
    const refusal = this.#refuseOrigin(origin);
    if (refusal !== undefined) return refusal;
    if (!protocols.split(",").some((name) => name.trim() === subprotocol)) {
      return { status: 400, reason: "subprotocol", message: `request the WebSocket subprotocol ${subprotocol}` };
    }
    return undefined;
  }

  /** Checks a form, whose Host was found right. A browser says from which page it was sent; a program need not. */
  refuseForm({ origin }: PolicyHeaders): Refusal | undefined {
    return origin === undefined ? undefined : this.#refuseOrigin(origin);
  }

  /**
   * Checks a request for the relay, whose Host was found right [G-13]. A browser always sends an Origin.
   *
   * @param isAdmitted true when a client without one may connect: it is on this machine, or authenticates, or need not
   */
  refuseRelay({ origin }: PolicyHeaders, isAdmitted: boolean): Refusal | undefined {
    if (origin !== undefined) return this.#refuseOrigin(origin);
    if (isAdmitted) return undefined;
    const message =
      "clients without an Origin header must be on the gateway's machine; " +
      `send one, such as ${this.#example()}, or start the gateway with --auth`;
    return { status: 403, reason: "origin", message };
  }

  #refuseOrigin(origin: string): Refusal | undefined {
    if (this.#origins.has(origin)) return undefined;
    const message = `pages of ${quote(origin)} may not connect; open ${this.#example()}, or start the gateway with --origin`;
    return { status: 403, reason: "origin", message };
  }

  #example(): string {
    return [...this.#origins][0] as string;
  }
}

/** The names by which a browser may reach what listens there; "every address" is none that a browser opens. */
function namesOf(host: string): string[] {
  if (host === "0.0.0.0" || host === "::") return [];
  return isLoopback(host) ? [host, "127.0.0.1", "localhost", "::1"] : [host];
}

/** A header for a sentence, cut where it is long. */
function quote(header: string): string {
  return JSON.stringify(header.slice(0, 40));
}
