import { describe, expect, test } from "vitest";
import type { ReplyForm } from "../src/output/replies.ts";
import { showReply } from "./show-reply.ts";
import { header } from "./tcp-peer.ts";

/** What becomes known of a reply that comes in these chunks. */
function watch(...chunks: string[]): { header: string | undefined; response: string; isError: boolean } {
  let response = "";
  let seen: string | undefined;
  const form: ReplyForm = {
    take(part) {
      if (part.headerBytes !== undefined) seen = (seen ?? "") + Buffer.from(part.headerBytes).toString();
      response += Buffer.from(part.response).toString();
      return "";
    },
  };
  const { outcome } = showReply(form, chunks);
  return { header: seen, response, isError: outcome.kind === "answered" && outcome.isError };
}

describe("a reply", () => {
  test.each([
    ["a history", `${header}one\ntwo\n`, "one\ntwo\n", false],
    ["nothing but the header", header, "", false],
    ["an error", `${header}Error: no\n`, "Error: no\n", true],
    ["an error without a line feed", `${header}Error: no`, "Error: no", true],
    ["a history that begins like an error", `${header}Error: no\nmore\n`, "Error: no\nmore\n", false],
    ["a history that says Authentication error.", `${header}Authentication error.`, "Authentication error.", false],
  ])("%s is the same in one chunk and byte by byte", (_, whole, response, isError) => {
    expect(watch(whole)).toEqual({ header, response, isError });
    expect(watch(...whole)).toEqual({ header, response, isError });
  });

  test.each([
    ["Authentication error.", true],
    ["Authentication error.\r\n", true],
    ["Authentication error. Or is it?", false],
    ["HTTP/1.1 400 Bad Request\r\n\r\n", false],
    ["", false],
  ])("%j has no header", (whole, isError) => {
    expect(watch(whole)).toEqual({ header: undefined, response: whole, isError });
    expect(watch(...whole)).toEqual({ header: undefined, response: whole, isError });
  });
});
