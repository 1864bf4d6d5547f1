import type { Response } from "./response.ts";

/** No operation: the link and the operations, which begin every reply, are the answer. */
export function list(): Response {
  return { text: "" };
}
