/**
 * The page on which people log in: one response of HTML, without a script and without another file.
 *
 * Its style stands in it and is let through by its hash; otherwise its policy is the page's own. The form is sent to where
 * it stands, so it works under any path, and what follows `?` and `#` in the address outlasts the login.
 */

import { createHash } from "node:crypto";
import type { FastifyReply } from "fastify";
import { contentSecurityPolicy } from "../http/static-files.ts";
import { userNameCharactersMax } from "./roles.ts";

const style = `
  :root { color-scheme: light dark; --ink: light-dark(#191b1d, #e8eaec); --paper: light-dark(#f3f3f0, #0e1012); }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; color: var(--ink); background: var(--paper);
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
  main { box-sizing: border-box; width: min(22rem, 100%); padding: 1.5rem; }
  h1 { font-size: 1.5rem; margin: 0 0 1rem; }
  label, input, button { display: block; box-sizing: border-box; width: 100%; font: inherit; }
  label { margin-top: 1rem; }
  input, button { min-height: 44px; margin-top: 0.25rem; padding: 0.5rem 0.75rem; border-radius: 6px; }
  input { color: inherit; background: light-dark(#fcfcfb, #15181b); border: 1px solid light-dark(#8b8a84, #626b73); }
  button { margin-top: 1.5rem; color: var(--paper); background: var(--ink); border: 1px solid transparent; cursor: pointer; }
  :focus-visible { outline: 2px solid light-dark(#07668f, #5cc5f1); outline-offset: 2px; }
  [role="alert"] { margin: 0; padding: 0.5rem 0.75rem; border-left: 4px solid currentColor;
    color: light-dark(#ab2018, #ff8a82); background: light-dark(#fbe7e5, #3b1917); }
`;

const styleHash = createHash("sha256").update(style).digest("base64");
const policy = contentSecurityPolicy.replace("style-src 'self'", `style-src 'sha256-${styleHash}'`);

/** Why the form is shown again. */
export interface LoginProblem {
  readonly status: number;
  readonly message: string;
  /** The name that was typed. */
  readonly user: string;
}

/** Answers with the form. */
export function sendLoginPage(reply: FastifyReply, problem?: LoginProblem): FastifyReply {
  const alert = problem && `<p role="alert" id="problem">${escapeHtml(toSentence(problem.message))}</p>`;
  const described = problem === undefined ? "" : ' aria-describedby="problem"';
  const user = escapeHtml(problem?.user.slice(0, userNameCharactersMax) ?? "");
  const [nameFocus, passwordFocus] = user === "" ? [" autofocus", ""] : ["", " autofocus"];
  const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <link rel="icon" href="data:,">
    <title>Log in to Wirebook</title>
    <style>${style}</style>
  </head>
  <body>
    <main>
      <h1>Log in to Wirebook</h1>
      ${alert ?? ""}
      <form method="post">
        <label for="user">Name</label>
        <input id="user" name="user" value="${user}" autocomplete="username" autocapitalize="none" spellcheck="false" required${nameFocus}${described}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required${passwordFocus}${described}>
        <button>Log in</button>
      </form>
    </main>
  </body>
</html>
`;
  const headers = { "cache-control": "no-store", "content-security-policy": policy };
  return reply
    .code(problem?.status ?? 200)
    .headers(headers)
    .type("text/html; charset=utf-8")
    .send(html);
}

function toSentence(message: string): string {
  return `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
