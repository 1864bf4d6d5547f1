import { mount } from "svelte";
import * as z from "zod/mini";
import App from "./App.svelte";
import { App as AppParts } from "./app.svelte.ts";
import { presentationOf } from "./traffic/viewer.svelte.ts";
import "./ui/styles/tokens.css";
import "./ui/styles/base.css";
import "./ui/styles/controls.css";
import "./ui/styles/layout.css";

// zod would otherwise compile its schemas with `new Function`, which the Content-Security-Policy refuses.
z.config({ jitless: true });

// Beside the page, wherever a proxy puts the page.
const presentation = presentationOf(location);
const url = new URL(presentation === undefined ? "ws" : "ws?guest", document.baseURI);
url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const app = new AppParts(url.href, presentation);
const target = document.querySelector("#page");
if (target !== null) mount(App, { target, props: { app } });
app.start();
