/**
 * The two ways by which a client of the gateway holds a connection to a target, with one face for both: a conversation,
 * one of many on a page's WebSocket, and a relay, which has a WebSocket of its own.
 */

import { countsOnly } from "@wirebook/protocol";
import type { PageClient } from "../../../test-support/page-client.ts";
import { RelayClient } from "../../../test-support/relay-client.ts";

/** How a target is reached. */
export type Way = "conversation" | "relay";

/** How a connection to a target ended: by FIN of both, by this side, or by an error's code. */
interface Over {
  readonly how: string;
  readonly receivedBytes: number;
}

/** A connection to a target. */
export interface Channel {
  /** Sends bytes, behind those before; resolves when this side's kernel has them. */
  send(bytes: Uint8Array): Promise<void>;
  /** Sends FIN. A relay closes, and gets nothing more. */
  end(): void;
  /** Leaves in the middle, without a word where there is a way to do so. */
  leave(): void;
  readonly over: Promise<Over>;
}

/** What a channel does with what comes. */
export interface ChannelOptions {
  readonly onRead?: (bytes: Uint8Array) => void;
  /** Whether FIN is answered by FIN, which a relay always does. */
  readonly answersFin?: boolean;
}

/** Opens one; the page is for conversations. */
export async function openChannel(
  way: Way,
  { page, address, target }: { readonly page: PageClient; readonly address: string; readonly target: string },
  { onRead = () => undefined, answersFin = true }: ChannelOptions = {},
): Promise<Channel> {
  if (way === "relay") return openRelay(await RelayClient.open(address, target, { onMessage: onRead }));
  const stream = page.connect(target, {}, { bounds: countsOnly, onRead, answersFin });
  return {
    send: (bytes) => stream.send(bytes),
    end: () => stream.end(),
    leave: () => stream.cancel(),
    over: stream.ended.then(({ last }) => ({
      how: last.type === "end" ? last.reason : last.code,
      receivedBytes: last.receivedBytes ?? 0,
    })),
  };
}

function openRelay(client: RelayClient): Channel {
  return {
    send: (bytes) => client.send(bytes),
    end: () => void client.end(),
    leave: () => client.socket.terminate(),
    over: client.closing.then(({ code, reason }) => ({
      how: describe(code, reason),
      receivedBytes: client.receivedBytes,
    })),
  };
}

function describe(code: number, reason: string): string {
  if (code === 1000 || code === 1005) return "fin";
  if (code === 1011) return reason.replace(/:.*/s, "");
  return code === 1006 ? "cancelled" : `closed with ${code} ${reason}`;
}
