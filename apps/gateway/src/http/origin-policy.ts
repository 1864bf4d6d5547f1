/**
 * Who may speak to the gateway [G-1].
 *
 * A browser lets any website open a WebSocket to any address and sends no preflight, so the Origin header is all that
 * tells our page from a stranger's. And a stranger can let his own host name resolve to 127.0.0.1 (DNS rebinding), after
 * which his page is "same origin" with us; his name then stands in the Host header. Both are compared, character by
 * character, with a list of what is allowed: nothing is parsed, so nothing can be parsed differently.
 */

import { describeTarget } from "@wirebook/net";
import { subprotocol } from "@wirebook/protocol";
import { isLoopback } from "@wirebook/net";
import type { RefusalReason } from "../telemetry/metrics.ts";

/** Why something is not let in: the HTTP status and the sentence for its body. */
export interface Refusal {
  readonly status: number;
  readonly reason: RefusalReason;
  readonly sentence: string;
}

/** The headers that are looked at. */
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
   * @param port the port that it was really given
   * @param origins what `--origin` named, each exactly as a browser writes it
   */
  constructor(scheme: "http" | "https", host: string, port: number, origins: readonly string[]) {
    const own = namesOf(host).map((name) => describeTarget({ host: name.toLowerCase(), port }));
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

  /** Looks at any request: is it meant for this gateway? */
  refuseRequest({ host }: PolicyHeaders): Refusal | undefined {
    if (host !== undefined && !hostForm.test(host)) {
      const sentence = `the Host header ${quote(host)} is no host; send one, such as Host: ${[...this.#hosts][0]}`;
      return { status: 400, reason: "host", sentence };
    }
    if (host !== undefined && this.#hosts.has(host.toLowerCase())) return undefined;
    return {
      status: 403,
      reason: "host",
      sentence:
        `this gateway is not ${quote(host)}; open ${this.#one()}, ` +
        "or start the gateway with --origin and the address that you use",
    };
  }

  /** Looks at a request to become a WebSocket, whose Host was found right. */
  refuseUpgrade({ origin, "sec-websocket-protocol": protocols = "" }: PolicyHeaders): Refusal | undefined {
    if (origin === undefined) {
      return {
        status: 403,
        reason: "origin",
        sentence: `the Origin header is missing; send one, such as Origin: ${this.#one()}`,
      };
    }
    if (!this.#origins.has(origin)) {
      const sentence = `pages of ${quote(origin)} may not connect; open ${this.#one()}, or start the gateway with --origin`;
      return { status: 403, reason: "origin", sentence };
    }
    if (!protocols.split(",").some((name) => name.trim() === subprotocol)) {
      return { status: 400, reason: "subprotocol", sentence: `ask for the WebSocket subprotocol ${subprotocol}` };
    }
    return undefined;
  }

  #one(): string {
    return [...this.#origins][0] as string;
  }
}

/** By which names a browser may reach what listens there; "every address" is none that anybody opens. */
function namesOf(host: string): string[] {
  if (host === "0.0.0.0" || host === "::") return [];
  return isLoopback(host) ? [host, "127.0.0.1", "localhost", "::1"] : [host];
}

function quote(header: string | undefined): string {
  return header === undefined
    ? "what was asked for (the Host header is missing)"
    : JSON.stringify(header.slice(0, 200));
}
