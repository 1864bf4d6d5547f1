import { mount } from "svelte";
import * as z from "zod/mini";
import App from "./App.svelte";
import { AppState } from "./page.svelte.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";

// zod would otherwise compile its schemas with `new Function`, which the Content-Security-Policy refuses.
z.config({ jitless: true });

const url = new URL("/ws", location.href);
url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const page = new AppState(url.href);
const target = document.querySelector("#page");
if (target !== null) mount(App, { target, props: { page } });
// A link to the fault lab opens it, and sends nothing.
if (location.hash.startsWith("#lab")) {
  page.isLabOpen = true;
  page.view = "wire";
}
page.start();
