import { mount } from "svelte";
import * as z from "zod/mini";
import App from "./App.svelte";
import { AppState } from "./app-state.svelte.ts";
import "./ui/styles/tokens.css";
import "./ui/styles/base.css";
import "./ui/styles/controls.css";

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
