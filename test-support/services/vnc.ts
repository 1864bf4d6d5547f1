import { readFile } from "node:fs/promises";
import { findDebianFile } from "../../scripts/debian-programs.mjs";
import { accepts } from "../foreign-program.ts";
import { openFolder, startOverUsr } from "./debian.ts";

/** A screen of 320 × 240 pixels, with one window that writes down which keys and buttons it is sent. */
export interface Vnc extends AsyncDisposable {
  readonly port: number;
  /** What xev has written of them so far. */
  events(): Promise<string>;
}

/** What `startVnc` needs of the machine: Xtigervnc finds its keyboard's parts at fixed places. */
export const vncNeeds = ["Xtigervnc", "xev", "right to mount over /usr"];

/** Starts Debian's Xtigervnc, which wants no password, and xev. */
export async function startVnc(): Promise<Vnc> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder("vnc"));
  const events = () => readFile(`${path}/events`, "utf8").catch(() => ""); // Until xev runs, there is no file.
  const isReady = async (port: number) => (await events()).includes("Expose event") && (await accepts(port));
  // X keeps its lock and its socket in /tmp.
  const replacements = { "/tmp": path };
  const { port } = made.use(await startOverUsr("sh", startScreen, { replacements, isReady }));
  const held = made.move();
  return { port, events, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** The folder with Debian's noVNC, `vnc.html` and `vnc_lite.html` with what they load; `undefined` where there is none. */
export function findNovnc(): string | undefined {
  return findDebianFile("usr/share/novnc");
}

function startScreen(port: number): readonly string[] {
  const screen = ["-geometry", "320x240", "-depth", "24", "-SecurityTypes", "None", "-AlwaysShared"];
  // "local" is an abstract socket, which all displays of the machine share.
  const listens = ["-interface", "127.0.0.1", "-rfbport", "$1", "-nolisten", "local", "-nolisten", "tcp"];
  const script = [
    `Xtigervnc :1 ${[...screen, ...listens].join(" ")} &`,
    "until xev -display :1 -geometry 160x120+40+30 > /tmp/events; do sleep 0.1; done",
  ];
  return ["-c", script.join("\n"), "sh", String(port)];
}
