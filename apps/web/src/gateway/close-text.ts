/** What the code with which a WebSocket closed means to a user (RFC 6455, section 7.4.1, and the IANA registry). */
const meanings: Readonly<Record<number, string>> = {
  1000: "the gateway closed the connection",
  1001: "the gateway is going away",
  1002: "the gateway found a mistake in a WebSocket frame",
  1003: "the gateway does not take this kind of frame",
  1005: "the gateway closed the connection without saying why",
  1006: "the gateway cannot be reached, or broke off without a word",
  1007: "the gateway got text that is not UTF-8",
  1008: "the gateway refused this page",
  1009: "a frame was too large for the gateway",
  1011: "the gateway had an error of its own",
  1012: "the gateway is restarting",
  1013: "the gateway is too busy",
  4000: "the gateway did not answer",
};

/** The word for programs with which the gateway begins a reason [G-10]. */
const wordForPrograms = /^[a-z-]+: /;

/** Why the connection to the gateway ended, as part of a sentence; the code stands behind it. */
export function closeText(code: number, reason: string): string {
  const meaning = meanings[code] ?? "the gateway closed the connection";
  const why = reason.replace(wordForPrograms, "");
  return `${meaning}${why === "" ? "" : `: ${why}`} (WebSocket code ${code})`;
}
