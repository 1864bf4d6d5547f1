/**
 * The page on which people log in: one response of HTML, without a script and without another file. The form is sent to where
 * it stands, so it works under any path, and what follows `?` and `#` in the address outlasts the login.
 */

import { hash } from "node:crypto";
import type { FastifyReply } from "fastify";
import { contentSecurityPolicy } from "../http/static-files.ts";
import { userNameCharactersMax } from "./identity.ts";

const style = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { background: light-dark(#f3f3f0, #0e1012) }
  main { max-width: 20rem; margin: 15vh auto; padding: 1rem }
  input, button { display: block; box-sizing: border-box; width: 100%; min-height: 44px; margin-bottom: 1rem; font: inherit }
  [role="alert"] { padding-left: 0.75rem; border-left: 4px solid }
`;
/** Lets the style through; otherwise the policy is the page's own. */
const policy = contentSecurityPolicy.replace(
  "style-src 'self'",
  `style-src 'sha256-${hash("sha256", style, "base64")}'`,
);

/** Answers with the form; when it is shown again, with the reason and the name that was typed. */
export function sendLoginPage(reply: FastifyReply, status = 200, message = "", user = ""): FastifyReply {
  const [nameFocus, passwordFocus] = user === "" ? [" autofocus", ""] : ["", " autofocus"];
  const sentence = escapeHtml(`${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`);
  return reply
    .code(status)
    .headers({ "cache-control": "no-store", "content-security-policy": policy })
    .type("text/html; charset=utf-8").send(`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" href="data:,">
    <title>Log in to Wirebook</title>
    <style>${style}</style>
  </head>
  <body>
    <main>
      <h1>Log in to Wirebook</h1>
      ${message === "" ? "" : `<p role="alert" id="problem">${sentence}</p>`}
      <form method="post">
        <label for="user">Name</label>
        <input id="user" name="user" value="${escapeHtml(user.slice(0, userNameCharactersMax))}" autocomplete="username" autocapitalize="none" spellcheck="false" aria-describedby="problem" required${nameFocus}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" aria-describedby="problem" required${passwordFocus}>
        <button>Log in</button>
      </form>
    </main>
  </body>
</html>
`);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
