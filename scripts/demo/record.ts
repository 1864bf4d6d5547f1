/**
 * `npm run demo`: plays the demo anew on a real screen and films it. Writes docs/demo/wirebook.mp4 with its captions burnt
 * in, the same captions as WebVTT, and the silent loop at the top of README. Look at all three before you commit them.
 *
 * Needs Chromium, Xvfb, xterm, tmux, ffmpeg, redis-tools, redis-server, psmisc, tshark and aiosmtpd (Debian's packages of
 * these names, python3-aiosmtpd for the last), and the ports 5007 and 5008 free.
 */

import { execFile } from "node:child_process";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "../../test-support/free-port.ts";
import { startRedis } from "../../test-support/services/redis.ts";
import { startSmtp } from "../../test-support/services/smtp.ts";
import { findProgram } from "../debian-programs.mjs";
import { scenes } from "./scenes.ts";
import type { Caption } from "./stage.ts";
import { screen, Stage } from "./stage.ts";

const runProgram = promisify(execFile);
const output = fileURLToPath(new URL("../../docs/demo", import.meta.url));
const needs = ["Xvfb", "xterm", "tmux", "ffmpeg", "redis-cli", "redis-server", "fuser", "tshark"];
const videoBytesMax = 12e6;
const loopBytesMax = 3e6;
const loop = { seconds: 18, framesPerSecond: 8, width: 960 } as const;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** `1:02.345`, as ASS and WebVTT have it, apart from the number of digits. */
function clock(seconds: number, digits: number): string {
  const minutes = String(Math.floor(seconds / 60)).padStart(2, "0");
  return `${minutes}:${(seconds % 60).toFixed(digits).padStart(digits === 0 ? 2 : digits + 3, "0")}`;
}

function toWebVtt(captions: readonly Caption[]): string {
  const cues = captions.map(
    ({ fromSeconds, toSeconds, text }) => `${clock(fromSeconds, 3)} --> ${clock(toSeconds, 3)}\n${text}\n`,
  );
  return `WEBVTT\n\n${cues.join("\n")}`;
}

/** Captions for libass, in the strip below the windows. */
function toAss(captions: readonly Caption[]): string {
  const middle = (screen.captionTop + screen.height) / 2;
  const lines = captions.map(
    ({ fromSeconds, toSeconds, text }) =>
      `Dialogue: 0,0:${clock(fromSeconds, 2)},0:${clock(toSeconds, 2)},Default,,0,0,0,,{\\pos(${screen.width / 2},${middle})}${text}`,
  );
  return `[Script Info]
ScriptType: v4.00+
PlayResX: ${screen.width}
PlayResY: ${screen.height}

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment, Outline, Shadow, MarginL, MarginR
Style: Default,DejaVu Sans,21,&H00FFFFFF,5,0,0,20,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
${lines.join("\n")}
`;
}

async function ffmpeg(...words: readonly string[]): Promise<void> {
  await runProgram("ffmpeg", ["-y", "-loglevel", "error", ...words]);
}

async function checkSize(path: string, bytesMax: number): Promise<void> {
  const { size } = await stat(path);
  say(`${path}: ${(size / 1e6).toFixed(1)} MB`);
  if (size > bytesMax) throw new Error(`${path} has ${size} bytes, over the limit of ${bytesMax}`);
}

const missing = needs.filter((name) => findProgram(name) === undefined);
if (missing.length > 0) throw new Error(`this machine has no ${missing.join(", no ")}; see the head of this file`);

await using smtp = await startSmtp();
await using redis = await startRedis();
const cast = { smtpPort: smtp.port, redisPort: redis.port, watchedPort: await freePort() };
await using stage = await Stage.open();
const raw = join(stage.folder, "raw.mkv");
await stage.film(raw);
let loopFromSeconds = 0;
const filmedSinceMs = performance.now();
for (const { name, isInLoop = false, play } of scenes) {
  const seconds = (performance.now() - filmedSinceMs) / 1000;
  if (isInLoop && loopFromSeconds === 0) loopFromSeconds = seconds;
  say(`${clock(seconds, 0)} ${name}`);
  await play(stage, cast);
}
await stage.cut();

await mkdir(output, { recursive: true });
const video = join(output, "wirebook.mp4");
const silentLoop = join(output, "loop.webp");
const captionPath = join(stage.folder, "captions.ass");
await writeFile(captionPath, toAss(stage.captions));
await writeFile(join(output, "wirebook.vtt"), toWebVtt(stage.captions));
const encoding = ["-c:v", "libx264", "-preset", "slow", "-crf", "26", "-pix_fmt", "yuv420p", "-movflags", "+faststart"];
await ffmpeg("-i", raw, "-vf", `ass=${captionPath}`, ...encoding, video);
const part = ["-ss", loopFromSeconds.toFixed(2), "-t", String(loop.seconds), "-i", video];
const frames = `fps=${loop.framesPerSecond},scale=${loop.width}:-1:flags=lanczos`;
await ffmpeg(...part, "-vf", frames, "-c:v", "libwebp_anim", "-quality", "60", "-loop", "0", "-an", silentLoop);
await checkSize(video, videoBytesMax);
await checkSize(silentLoop, loopBytesMax);
