/**
 * The screen on which the demo is played: a real X server without a monitor, with Chromium at the left, a terminal of three
 * panes at the right, and a strip for captions below. What happens on it is filmed as it happens.
 */

import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "@playwright/test";
import type { BrowserContext, Locator, Page } from "@playwright/test";
import { findChromium } from "../chromium.mjs";

const runProgram = promisify(execFile);

export const screen = { width: 1280, height: 720, captionTop: 672, framesPerSecond: 20 } as const;
const pageWidth = 820;
const terminal = { columns: 57, rows: 44 } as const;

const root = fileURLToPath(new URL("../..", import.meta.url));
const keyMs = 45;
const lookMs = 100;
/** A scene that is not as far by then will never be. */
const waitMsMax = 60_000;

/** The panes of the terminal, from above. */
export type Pane = "start" | "shell" | "log";
const paneIndex: Readonly<Record<Pane, number>> = { start: 0, shell: 1, log: 2 };

/** What a caption says, in seconds since the filming began. */
export interface Caption {
  readonly fromSeconds: number;
  toSeconds: number;
  readonly text: string;
}

export class Stage implements AsyncDisposable {
  /** A folder for what the scenes make. It goes with the stage. */
  readonly folder: string;
  readonly captions: Caption[] = [];
  page!: Page;
  readonly #display: string;
  readonly #children: ChildProcess[];
  readonly #browsers: BrowserContext[] = [];
  #camera: ChildProcess | undefined;
  #filmedSinceMs = 0;

  static async open(): Promise<Stage> {
    const server = spawn(
      "Xvfb",
      ["-displayfd", "1", "-screen", "0", `${screen.width}x${screen.height}x24`, "-nolisten", "tcp"],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    const [number] = (await once(server.stdout, "data")) as [Buffer];
    const stage = new Stage(`:${String(number).trim()}`, await mkdtemp(join(tmpdir(), "wirebook-demo-")), server);
    await stage.#openTerminal();
    stage.page = await stage.openBrowser({ left: 0, top: 0, width: pageWidth, height: screen.captionTop });
    return stage;
  }

  private constructor(display: string, folder: string, server: ChildProcess) {
    this.#display = display;
    this.folder = folder;
    this.#children = [server];
  }

  get #env(): NodeJS.ProcessEnv {
    const bin = join(root, "node_modules/.bin");
    return {
      ...process.env,
      DISPLAY: this.#display,
      PATH: `${bin}:${process.env["PATH"]}`,
      WIREBOOK_HISTORY: join(this.folder, "history.txt"),
      // Without the settings of whoever films it.
      HOME: this.folder,
      TERM: "screen-256color",
    };
  }

  /** A window of a browser, with a pointer that can be seen: the one of the automation is none of X's. */
  async openBrowser({ left, top, width, height }: Record<"left" | "top" | "width" | "height", number>): Promise<Page> {
    const profile = join(this.folder, `browser-${this.#browsers.length}`);
    const executablePath = findChromium();
    const context = await chromium.launchPersistentContext(profile, {
      ...(executablePath === undefined ? {} : { executablePath }),
      headless: false,
      viewport: null,
      acceptDownloads: true,
      env: this.#env,
      args: [
        "--no-sandbox",
        // Without it a bar warns of the option above.
        "--test-type",
        `--window-position=${left},${top}`,
        `--window-size=${width},${height}`,
        "--app=data:text/html,",
      ],
    });
    this.#browsers.push(context);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await context.addInitScript(drawPointer);
    return context.pages()[0] ?? (await context.newPage());
  }

  /** Closes the newest window. */
  async closeBrowser(): Promise<void> {
    await this.#browsers.pop()?.close();
  }

  async #openTerminal(): Promise<void> {
    const startFile = join(this.folder, "bashrc");
    await writeFile(startFile, "PS1='$ '\n");
    const shell = `bash --rcfile ${startFile}`;
    const size = ["-x", String(terminal.columns), "-y", String(terminal.rows)];
    await this.#tmux("new-session", "-d", "-s", "demo", "-c", root, ...size, shell);
    for (const words of [
      ["set", "-g", "status", "off"],
      ["set", "-g", "pane-border-status", "top"],
      ["set", "-g", "pane-border-format", " #{pane_title} "],
      ["set", "-g", "pane-border-style", "fg=colour244"],
      ["set", "-g", "pane-active-border-style", "fg=colour244"],
      ["split-window", "-v", "-l", "30", "-c", root, shell],
      ["split-window", "-v", "-l", "10", "-c", root, shell],
      ["select-pane", "-t", "demo.0", "-T", "npm start"],
      ["select-pane", "-t", "demo.2", "-T", "tail -F history.txt"],
      ["select-pane", "-t", "demo.1", "-T", "a shell"],
    ]) {
      await this.#tmux(...words);
    }
    const place = `${terminal.columns}x${terminal.rows}+${pageWidth}+0`;
    const look = [
      "-fa",
      "DejaVu Sans Mono",
      "-fs",
      "9",
      "-bg",
      "#16181d",
      "-fg",
      "#d8dce4",
      "-b",
      "2",
      "-bw",
      "0",
      "+sb",
    ];
    const words = ["-geometry", place, ...look, "-e", "tmux", "-S", this.#tmuxSocket, "attach"];
    this.#children.push(spawn("xterm", words, { env: this.#env, stdio: "ignore" }));
  }

  get #tmuxSocket(): string {
    return join(this.folder, "tmux");
  }

  async #tmux(...words: readonly string[]): Promise<string> {
    const { stdout } = await runProgram("tmux", ["-S", this.#tmuxSocket, "-f", "/dev/null", ...words], {
      env: this.#env,
    });
    return stdout;
  }

  /** Types a command, key by key, and runs it. */
  async run(pane: Pane, command: string): Promise<void> {
    const target = `demo.${paneIndex[pane]}`;
    for (const key of command) {
      await this.#tmux("send-keys", "-t", target, "-l", key);
      await pause(keyMs);
    }
    await pause(300);
    await this.#tmux("send-keys", "-t", target, "Enter");
  }

  /** Waits until a pane shows a text. */
  async shows(pane: Pane, text: RegExp): Promise<string> {
    let shown = "";
    for (const deadlineMs = performance.now() + waitMsMax; performance.now() < deadlineMs; await pause(lookMs)) {
      shown = await this.#tmux("capture-pane", "-p", "-J", "-S", "-200", "-t", `demo.${paneIndex[pane]}`);
      if (text.test(shown)) return shown;
    }
    throw new Error(`the pane "${pane}" does not show ${String(text)}, but:\n${shown}`);
  }

  /** Empties a pane, with what it showed before. */
  async clear(pane: Pane): Promise<void> {
    const target = `demo.${paneIndex[pane]}`;
    await this.#tmux("send-keys", "-t", target, "C-l");
    await pause(lookMs);
    await this.#tmux("clear-history", "-t", target);
  }

  /** Moves the pointer to what is meant, so that one sees what is pressed, and presses it. */
  async click(what: Locator): Promise<void> {
    await this.pointAt(what);
    await what.click();
    await pause(350);
  }

  async pointAt(what: Locator): Promise<void> {
    await what.scrollIntoViewIfNeeded();
    const box = await what.boundingBox();
    if (box === null) throw new Error(`${String(what)} is not to be seen`);
    await what.page().mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 18 });
    await pause(250);
  }

  async type(into: Locator, text: string): Promise<void> {
    await into.fill("");
    await into.pressSequentially(text, { delay: keyMs });
    await pause(300);
  }

  /** Says what is seen, until the next caption; waits as long as it takes to read. */
  async say(text: string): Promise<void> {
    this.#endCaption();
    this.captions.push({ fromSeconds: this.#nowSeconds, toSeconds: Infinity, text });
    await pause(1500 + 55 * text.length);
  }

  /** Begins to film, into a file. */
  async film(path: string): Promise<void> {
    const input = ["-f", "x11grab", "-framerate", String(screen.framesPerSecond), "-draw_mouse", "0"];
    const size = ["-video_size", `${screen.width}x${screen.height}`, "-i", this.#display];
    const output = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-pix_fmt", "yuv420p", path];
    this.#camera = spawn("ffmpeg", ["-y", "-loglevel", "error", "-progress", "pipe:1", ...input, ...size, ...output], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    // It tells of its progress once the first pictures are taken.
    if (this.#camera.stdout !== null) await once(this.#camera.stdout, "data");
    this.#filmedSinceMs = performance.now();
    this.#camera.stdout?.resume();
  }

  /** Seconds into the film. */
  get #nowSeconds(): number {
    return (performance.now() - this.#filmedSinceMs) / 1000;
  }

  #endCaption(): void {
    const last = this.captions.at(-1);
    if (last?.toSeconds === Infinity) last.toSeconds = this.#nowSeconds;
  }

  async cut(): Promise<void> {
    this.#endCaption();
    const camera = this.#camera;
    this.#camera = undefined;
    if (camera === undefined) return;
    const exited = once(camera, "exit");
    camera.stdin?.write("q");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
    while (this.#browsers.length > 0) await this.closeBrowser();
    await this.#tmux("kill-server").catch(() => undefined);
    for (const child of this.#children.toReversed()) child.kill();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs in the page. */
function drawPointer(): void {
  const { document } = globalThis as unknown as { document: PageDocument };
  document.addEventListener("DOMContentLoaded", () => {
    const pointer = document.createElement("div");
    Object.assign(pointer.style, {
      position: "fixed",
      zIndex: "2147483647",
      width: "18px",
      height: "18px",
      margin: "-9px 0 0 -9px",
      borderRadius: "50%",
      background: "rgb(255 140 0 / 45%)",
      border: "2px solid rgb(200 80 0 / 90%)",
      pointerEvents: "none",
      left: "-40px",
    });
    document.documentElement.append(pointer);
    document.addEventListener(
      "mousemove",
      ({ clientX = 0, clientY = 0 }) =>
        void Object.assign(pointer.style, { left: `${clientX}px`, top: `${clientY}px` }),
      true,
    );
    document.addEventListener("mousedown", () => void Object.assign(pointer.style, { scale: "0.6" }), true);
    document.addEventListener("mouseup", () => void Object.assign(pointer.style, { scale: "1" }), true);
  });
}

/** As much of the document as the pointer needs: scripts are checked without the types of a browser. */
interface PageDocument {
  readonly documentElement: { append(element: unknown): void };
  createElement(name: string): { readonly style: object };
  addEventListener(
    type: string,
    listener: (event: { readonly clientX?: number; readonly clientY?: number }) => void,
    isCapturing?: boolean,
  ): void;
}
