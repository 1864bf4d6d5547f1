/**
 * The page speaks WebSocket itself here, over a stream (RFC 6455, section 5.2), so that its bytes can be seen: a browser shows
 * its own frames to no page. Only short frames, of one part each, are known.
 */

import { byteFrameHeaderBytes, decodeText, encodeText, joinBytes } from "@wirebook/protocol";
import { encodeHex } from "../conversation/line-bytes.ts";
import { headerBytesOf } from "../inspector/frame-list.ts";
import { plural } from "../ui/format.ts";
import { rfc, type Deed, type Lesson, type LessonOrder, type Observation, type TwoRuns } from "./lesson.ts";

export const opcodes = { text: 1, close: 8 } as const;

/** Payload bytes that the header's second byte can count. */
const payloadBytesMax = 125;

export interface SeenFrame {
  readonly opcode: number;
  readonly isMasked: boolean;
  /** Where the frame and its payload begin in the stream, and where it ends. */
  readonly from: number;
  readonly payloadFrom: number;
  readonly to: number;
  /** The payload as it is on TCP, in hex. */
  readonly payload: string;
}

/** The frames behind the handshake; none where the bytes begin with no handshake, or none that was accepted. */
export function framesIn(bytes: Uint8Array): readonly SeenFrame[] {
  const head = /^(?:GET |HTTP\/1\.1 101 )[^]*?\r\n\r\n/.exec(decodeText(bytes))?.[0] ?? "";
  const frames: SeenFrame[] = [];
  let from = head === "" ? bytes.length : head.length;
  while (from + 2 <= bytes.length) {
    const [first = 0, second = 0] = bytes.subarray(from);
    const isMasked = (second & 0x80) !== 0;
    const payloadFrom = from + 2 + (isMasked ? 4 : 0);
    const to = payloadFrom + (second & 0x7f);
    if ((second & 0x7f) > payloadBytesMax || to > bytes.length) break;
    const payload = encodeHex(bytes.subarray(payloadFrom, to));
    frames.push({ opcode: first & 0x0f, isMasked, from, payloadFrom, to, payload });
    from = to;
  }
  return frames;
}

/** A frame as a client sends it, masked with the key; without a key as a server does. */
export function encodeClientFrame(opcode: number, payload: Uint8Array, key?: Uint8Array): Uint8Array {
  const header = Uint8Array.of(0x80 | opcode, (key === undefined ? 0 : 0x80) | payload.length);
  if (key === undefined) return joinBytes(header, payload);
  const masked = payload.map((byte, at) => byte ^ (key[at % key.length] as number));
  return joinBytes(joinBytes(header, key), masked);
}

const hello = encodeText("Hello");
/** The code 1000: a normal end. */
const normalClose = Uint8Array.of(0x03, 0xe8);

function textFrame(bytes: Uint8Array): SeenFrame | undefined {
  return framesIn(bytes).find(({ opcode }) => opcode === opcodes.text);
}

const random = (byteCount: number) => crypto.getRandomValues(new Uint8Array(byteCount));

/** What a browser writes on TCP for `new WebSocket(…)`. */
function handshake(): string {
  const key = btoa(String.fromCharCode(...random(16)));
  const lines = ["GET / HTTP/1.1", "Host: lesson-websocket", "Upgrade: websocket", "Connection: Upgrade"];
  return [...lines, "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${key}`, "", ""].join("\r\n");
}

function order(name: string, isMasked: boolean): LessonOrder {
  const frames = [encodeClientFrame(opcodes.text, hello, isMasked ? random(4) : undefined)];
  if (isMasked) frames.push(encodeClientFrame(opcodes.close, normalClose, random(4)));
  const deeds = frames.map((frame): Deed => ({ after: "reply", send: decodeText(frame) }));
  return { name, target: "lesson-websocket", writes: [handshake()], deeds };
}

type Form = "as-sent" | "both-plain" | "closed" | "masked-and-closed";

/** What came back: on stream 1 with or without a mask, on stream 2 at all. */
function formOf([masked, plain]: TwoRuns): Form {
  const isMasked = textFrame(masked.firstReceived)?.isMasked ?? false;
  if (textFrame(plain.firstReceived) !== undefined) return isMasked ? "as-sent" : "both-plain";
  return isMasked ? "masked-and-closed" : "closed";
}

function described(frame: SeenFrame | undefined): string {
  if (frame === undefined) return "no text";
  return `\`${frame.payload}\`, ${frame.isMasked ? "masked" : "without a mask"}`;
}

function backText(runs: TwoRuns): string {
  const texts = runs.map(
    ({ firstReceived }, at) => `On your stream ${at + 1} came back ${described(textFrame(firstReceived))}.`,
  );
  return texts.join(" ");
}

function sentText([{ firstSent }]: TwoRuns): Observation {
  const frame = textFrame(firstSent);
  if (frame === undefined) return { text: "Stream 1 ended before the page had sent its frame." };
  return {
    text: `Stream 1 sent \`Hello\`, which is \`${encodeHex(hello)}\`, as ${plural(frame.to - frame.from, "byte")}: a header of 2, a key of ${frame.payloadFrom - frame.from - 2}, and the masked letters \`${frame.payload}\`.`,
    run: 0,
    mark: { span: { stream: "sent", from: frame.from, to: frame.to }, name: "the frame that was sent" },
  };
}

function returned(run: 0 | 1, runs: TwoRuns): Observation {
  const frames = framesIn(runs[run].firstReceived);
  const frame = frames.find(({ opcode }) => opcode === opcodes.text || opcode === opcodes.close);
  const what = frame?.opcode === opcodes.close ? `the close frame \`${frame.payload}\`, and no text` : described(frame);
  const text = `Stream ${run + 1} got back ${what}.`;
  if (frame === undefined) return { text, run };
  const span = { stream: "received", from: frame.from, to: frame.to } as const;
  return { text, run, mark: { span, name: "the frame that came back" } };
}

/** The page's own WebSocket, to the gateway. */
function ownText([{ firstSent }]: TwoRuns): Observation {
  const frame = textFrame(firstSent);
  if (frame === undefined) return { text: "So no frame of the page's own WebSocket carried it." };
  const payload = byteFrameHeaderBytes + frame.to - frame.from;
  const header = headerBytesOf("sent", payload);
  return {
    text: `To bring these bytes to the gateway, your page gave its browser a message of ${payload} bytes. By the rules, the browser sent it as a frame of ${header + payload}: a header of ${header} with a new key, and ${payload} masked bytes. The gateway took the mask off.`,
    run: 0,
    mark: { arrows: [`sent ${frame.from}`], name: "the frame to the gateway" },
  };
}

export const lesson: Lesson<Form, TwoRuns> = {
  intro: [
    "What a page gives to a WebSocket is not what TCP carries. The browser makes a frame of each message: a header, a random key of four bytes, and the bytes of the message, each XORed with one byte of the key. That is masking. No page can see it.",
    "So in this lesson your page itself writes what a browser would. Run connects twice to a service that sends each message back. Each stream begins with a WebSocket handshake. Stream 1 then sends `Hello` as a browser does, masked. Stream 2 sends it without a mask.",
  ],
  orders: () => [order("Stream 1", true), order("Stream 2", false)],
  question: "What comes back?",
  choices: {
    "as-sent": ["`Hello` on both, each as it was sent: masked on stream 1, plain on stream 2.", "each as it was sent"],
    "both-plain": ["`Hello` on both, without a mask.", "both without a mask"],
    "masked-and-closed": [
      "`Hello` on stream 1, masked. Stream 2 is closed.",
      "masked on stream 1, and stream 2 closed",
    ],
    closed: ["`Hello` on stream 1, without a mask. Stream 2 is closed.", "plain on stream 1, and stream 2 closed"],
  },
  answer: formOf,
  correct: backText,
  observe: (runs) => [sentText(runs), returned(0, runs), returned(1, runs), ownText(runs)],
  why: [
    "Masking has a direction. A client must mask every frame, with a new key each time. A server must not. A server that gets a frame without a mask must close the connection. It may say why: `03 ea` in a close frame is the code 1002, protocol error.",
    "Masking hides nothing: the key stands in front of what it masks. It is there so that no website can choose the bytes that a browser puts on TCP. Otherwise a page could write what an old proxy takes for an HTTP request, and poison its cache.",
    "The Frames tab of the inspector lists the frames between your page and the gateway. Their headers are computed there, and the key is shown as dots, because only the browser knows it.",
  ],
  standards: [
    rfc(6455, "5.1", "Overview"),
    rfc(6455, "5.3", "Client-to-Server Masking"),
    rfc(6455, "10.3", "Attacks On Infrastructure (Masking)"),
  ],
};
