/**
 * The address of an exchange: `#exchange=`, which no browser sends, and its record without a key, deflated (RFC 1951), in
 * base64url (RFC 4648, section 5). It is bounded twice, as text and unpacked, since few bytes unpack to many.
 */

import { decodeBase64, decodeRecord, encodeBase64, encodeRecord } from "@wirebook/capture";
import type { Stream } from "../streams/stream.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import { count } from "../ui/format.ts";
import { sentence } from "../streams/result.ts";
import { streamLinkPrefix } from "../ui/browser.ts";
import { streamOf, recordOf } from "./recorded-stream.ts";

/** Characters of a link: what mail and chat programs still take. */
export const linkCharactersMax = 16_384;

export const linkRecordBytesMax = 1024 * 1024;

/** Why a link cannot be made or opened, in a sentence. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}

function check(what: string, size: number, max: number, advice: string): void {
  if (size > max) throw new LinkError(`${what} ${count(size)}, over the limit of ${count(max)}. ${advice}`);
}

/** The fragment of an exchange. @throws LinkError when it would be too long */
export async function encodeStreamLink(stream: Stream): Promise<string> {
  const record = new Blob([encodeRecord(recordOf(stream))]);
  const instead = "Save the exchange as NDJSON instead.";
  check("The bytes of this exchange's record are", record.size, linkRecordBytesMax, instead);
  const packed = new Response(record.stream().pipeThrough(new CompressionStream("deflate-raw")));
  const text = encodeBase64(new Uint8Array(await packed.arrayBuffer()));
  const fragment = streamLinkPrefix + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  check("The characters of the link would be", fragment.length, linkCharactersMax, instead);
  return fragment;
}

/** Shows the exchange of a fragment, as one that was loaded. @throws LinkError when it cannot be read */
export async function openStreamLink(fragment: string, streams: Streams): Promise<Stream> {
  const instead = "Ask for the exchange as an NDJSON file.";
  check("The characters of this link are", fragment.length, linkCharactersMax, instead);
  const record = decodeRecord(await unpack(fragment.slice(streamLinkPrefix.length)));
  if (typeof record === "string") throw new LinkError(sentence(`the record in this link is ${record}`));
  return streams.adopt((id) => streamOf(record, id, "a link"));
}

async function unpack(text: string): Promise<Uint8Array> {
  let bytes = 0;
  const bounded = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(read, controller) {
      bytes += read.length;
      if (bytes <= linkRecordBytesMax) controller.enqueue(read);
      else throw new LinkError(`This link unpacks to more than the limit of ${count(linkRecordBytesMax)} bytes.`);
    },
  });
  try {
    const packed = new Blob([decodeBase64(text.replaceAll("-", "+").replaceAll("_", "/"))]).stream();
    const unpacked = packed.pipeThrough(new DecompressionStream("deflate-raw")).pipeThrough(bounded);
    return new Uint8Array(await new Response(unpacked).arrayBuffer());
  } catch (error) {
    throw error instanceof LinkError
      ? error
      : new LinkError("This link cannot be read. Was it cut off? Copy the whole link.");
  }
}
