import { mount } from "svelte";
import * as z from "zod/mini";
import App from "./App.svelte";
import { App as AppParts } from "./app.svelte.ts";
import "./ui/styles/tokens.css";
import "./ui/styles/base.css";
import "./ui/styles/controls.css";
import "./ui/styles/layout.css";

// zod would otherwise compile its schemas with `new Function`, which the Content-Security-Policy refuses.
z.config({ jitless: true });

const app = new AppParts();
const target = document.querySelector("#page");
if (target !== null) mount(App, { target, props: { app } });
app.start();
