import { describe, expect, test } from "vitest";
import { ReplyParser } from "../src/reply-parser.ts";
import { beginning } from "./tcp-peer.ts";

/** What a watch says of a reply that comes in these chunks. */
function watch(...chunks: string[]): { beginning: string | undefined; response: string; isError: boolean } {
  const reply = new ReplyParser();
  let response = "";
  let seen: string | undefined;
  for (const news of [...chunks.map((chunk) => reply.push(Buffer.from(chunk))), reply.finish()]) {
    if (news.beginning !== undefined) seen = (seen ?? "") + Buffer.from(news.beginning.bytes).toString();
    response += Buffer.from(news.response).toString();
  }
  return { beginning: seen, response, isError: reply.isError };
}

describe("a reply", () => {
  test.each([
    ["a history", `${beginning}one\ntwo\n`, "one\ntwo\n", false],
    ["nothing but the beginning", beginning, "", false],
    ["an error", `${beginning}Error: no\n`, "Error: no\n", true],
    ["an error without a line feed", `${beginning}Error: no`, "Error: no", true],
    ["a history that begins like an error", `${beginning}Error: no\nmore\n`, "Error: no\nmore\n", false],
    ["a history that says Authentication error.", `${beginning}Authentication error.`, "Authentication error.", false],
  ])("%s is the same in one chunk and byte by byte", (_, whole, response, isError) => {
    expect(watch(whole)).toEqual({ beginning, response, isError });
    expect(watch(...whole)).toEqual({ beginning, response, isError });
  });

  test.each([
    ["Authentication error.", true],
    ["Authentication error.\r\n", true],
    ["Authentication error. Or is it?", false],
    ["HTTP/1.1 400 Bad Request\r\n\r\n", false],
    ["", false],
  ])("%j has no beginning", (whole, isError) => {
    expect(watch(whole)).toEqual({ beginning: undefined, response: whole, isError });
    expect(watch(...whole)).toEqual({ beginning: undefined, response: whole, isError });
  });
});
