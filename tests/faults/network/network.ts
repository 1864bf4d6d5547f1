/**
 * A network of the fault test's own: a bridge on this machine, and hosts behind it, each in a network namespace.
 *
 * A direction between two hosts is cut by a route to nowhere, so that it can be cut one way. Needs root and iproute2.
 */

import { execFileSync } from "node:child_process";

const bridge = "wirebook-br";
const hostOf = (node: number): string => `10.77.5.${node + 1}`;
const outside = "10.77.5.254";

/** What it needs. */
export const networkNeeds: readonly string[] = ["root", "ip"];

/** Hosts that reach each other and this machine. */
export class Network implements Disposable {
  readonly hosts: readonly string[];
  /** This machine's own address in the network. */
  readonly ownHost = outside;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
    this.hosts = Array.from({ length: count }, (_, node) => hostOf(node));
    this.#remove();
    ip("link", "add", bridge, "type", "bridge");
    ip("addr", "add", `${outside}/24`, "dev", bridge);
    ip("link", "set", bridge, "up");
    for (let node = 0; node < count; node++) this.#addHost(node);
  }

  /** The program that runs another one on a host. */
  under(node: number): readonly string[] {
    return ["ip", "netns", "exec", spaceOf(node)];
  }

  /** Nothing from one host reaches the other any more. */
  cut(from: number, to: number): void {
    this.#inside(from, "route", "add", "blackhole", `${hostOf(to)}/32`);
  }

  /** Takes a host's link down, as a pulled cable does. */
  unplug(node: number): void {
    this.#inside(node, "link", "set", "eth0", "down");
  }

  /** Undoes all cuts. */
  heal(): void {
    for (let from = 0; from < this.#count; from++) {
      for (let to = 0; to < this.#count; to++) {
        tryIp("-n", spaceOf(from), "route", "del", "blackhole", `${hostOf(to)}/32`);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#remove();
  }

  #addHost(node: number): void {
    ip("netns", "add", spaceOf(node));
    ip("link", "add", linkOf(node), "type", "veth", "peer", "name", "eth0", "netns", spaceOf(node));
    ip("link", "set", linkOf(node), "master", bridge, "up");
    this.#inside(node, "addr", "add", `${hostOf(node)}/24`, "dev", "eth0");
    this.#inside(node, "link", "set", "eth0", "up");
    this.#inside(node, "link", "set", "lo", "up");
  }

  #inside(node: number, ...words: readonly string[]): void {
    ip("-n", spaceOf(node), ...words);
  }

  #remove(): void {
    for (let node = 0; node < this.#count; node++) {
      tryIp("link", "del", linkOf(node)); // The kernel takes a namespace's links away only some time after it.
      tryIp("netns", "del", spaceOf(node));
    }
    tryIp("link", "del", bridge);
  }
}

function spaceOf(node: number): string {
  return `wirebook-${node + 1}`;
}

function linkOf(node: number): string {
  return `wirebook-v${node + 1}`;
}

function ip(...words: readonly string[]): void {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "inherit"] });
}

function tryIp(...words: readonly string[]): void {
  try {
    execFileSync("ip", words, { stdio: "ignore" });
  } catch {
    // Best effort: it was not there.
  }
}
