import type { HostPort } from "@wirebook/net";
import { StreamRecord } from "@wirebook/protocol";
import type { StreamEvent } from "@wirebook/protocol";
import type { Outcome } from "../src/command.ts";
import { createReplyView } from "../src/output/replies.ts";
import type { ReplyForm } from "../src/output/replies.ts";

const server: HostPort = { host: "127.0.0.1", port: 5007 };

/** What a form makes of a reply that comes in these chunks, and what the reply is. */
export function showReply(
  form: ReplyForm,
  chunks: readonly (string | Uint8Array)[],
): { readonly shown: string; readonly outcome: Outcome } {
  const view = createReplyView(form, server);
  const record = new StreamRecord({ firstEventsKept: 0, lastEventsKept: 1, bytesKept: Infinity });
  let shown = "";
  for (const chunk of chunks) {
    record.read(Buffer.from(chunk), 0);
    shown += String(view.show(record.latest as StreamEvent, record));
  }
  const outcome = view.judge({ reason: "fin" }, record);
  return { shown: shown + String(view.end(record, outcome)), outcome };
}
