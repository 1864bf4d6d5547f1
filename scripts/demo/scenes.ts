/** What the demo shows, in its order. Each scene does what a person would do, and waits until it is seen to have happened. */

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Locator } from "@playwright/test";
import type { Stage } from "./stage.ts";

/** The services of others that take part, by their ports. */
interface Cast {
  readonly smtpPort: number;
  readonly redisPort: number;
  /** Where redis is reached through the gateway. */
  readonly watchedPort: number;
}

export interface Scene {
  readonly name: string;
  /** True of those that the silent loop at the top of README is made of. */
  readonly isInLoop?: boolean;
  readonly play: (stage: Stage, cast: Cast) => Promise<void>;
}

const parts = ({ page }: Stage) => {
  const commandLine = page.getByRole("form", { name: "Command line" });
  return {
    page,
    commandLine,
    line: commandLine.getByRole("textbox", { name: "Message" }),
    conversation: page.getByRole("region", { name: "Conversation" }),
    inspector: page.getByRole("region", { name: "Inspector" }),
    traffic: page.getByRole("region", { name: "Traffic" }),
    history: page.getByRole("region", { name: "History" }),
    tab: (name: string | RegExp) => page.getByRole("tab", { name }),
  };
};

/** Brings a pane beside the conversation, where two have room. */
async function bring(stage: Stage, pane: "inspector" | "history"): Promise<void> {
  const folded = stage.page.getByRole("button", { name: `Show the ${pane}` });
  if (await folded.isVisible()) await stage.click(folded);
}

/** Sends a line on a connection that is open. */
async function send(stage: Stage, text: string): Promise<void> {
  const { line } = parts(stage);
  await stage.type(line, text);
  await line.press("Enter");
}

/** Sends a message to the logbook and waits for the whole reply. */
async function request(stage: Stage, message: string): Promise<void> {
  await send(stage, message);
  await parts(stage)
    .conversation.getByRole("article", { name: message, exact: true })
    .last()
    .getByText("done")
    .waitFor();
}

const newest = (stage: Stage): Locator => parts(stage).conversation.getByRole("article").last();

export const scenes: readonly Scene[] = [
  {
    name: "start",
    async play(stage, { smtpPort, redisPort, watchedPort }) {
      await stage.say("Wirebook: talk to any TCP service from your browser, and watch every byte of it travel.");
      await stage.run("log", "tail -F $WIREBOOK_HISTORY 2>/dev/null");
      await stage.say(
        "One command starts the logbook, the gateway and the page. Two more services are named here: mail and redis.",
      );
      const words = [
        `--target mail=tcp://127.0.0.1:${smtpPort}`,
        `--target redis=tcp://127.0.0.1:${redisPort}`,
        `--listen ${watchedPort}=redis`,
      ];
      await stage.run("start", `npm start --silent -- ${words.join(" ")}`);
      const said = await stage.shows("start", /https?:\/\/[\w.:[\]]+\/?[^]*by hand/u);
      const [address = ""] = /https?:\/\/[\w.:[\]]+/u.exec(said) ?? [];
      await pause(1200);
      await stage.page.goto(address);
      await parts(stage).line.waitFor();
      await stage.say("The page is at the left. Below at the right, the history: a plain text file.");
    },
  },
  {
    name: "page and Python client",
    async play(stage) {
      const { history } = parts(stage);
      await stage.say("A message is a name and a command. The server writes it into the history before it answers.");
      await request(stage, "ada 2 -5");
      await stage.shows("log", /"ada 2 -5"/u);
      await pause(1500);
      await stage.say(
        "A Python client, which knows nothing of all this, writes into the same file. The page follows it live.",
      );
      await bring(stage, "history");
      await stage.run("shell", "python3 tests/interop/reference_client.py 127.0.0.1 5007 brick 2 -1");
      await history.getByText("brick").last().waitFor();
      await stage.shows("log", /"brick 2 -1"/u);
      await pause(2500);
    },
  },
  {
    name: "the timeline of a request",
    isInLoop: true,
    async play(stage) {
      const { inspector, tab } = parts(stage);
      await bring(stage, "inspector");
      await request(stage, "ada 2 -3");
      await inspector.getByText(/^The message is line/u).waitFor();
      await stage.say(
        "Every request can be looked at: from the page to the gateway, the server, and back. Each step has its time.",
      );
      const arrows = inspector.getByRole("group", { name: /^Sequence of/u }).getByRole("button");
      for (const at of [0, 2, 4]) {
        const arrow = arrows.nth(at);
        if (await arrow.isVisible()) await stage.pointAt(arrow);
        await pause(900);
      }
      await stage.click(tab("Bytes"));
      await stage.say("Or byte by byte: what the browser sent in a WebSocket frame, and what of it TCP carried.");
      await pause(1500);
      await stage.click(tab("Stream"));
      await pause(2500);
    },
  },
  {
    name: "a fault",
    async play(stage) {
      const { inspector, tab } = parts(stage);
      await stage.click(tab("Fault lab"));
      const lab = inspector.getByRole("form", { name: "Fault lab" });
      await stage.say("The fault lab breaks a request on purpose. Here each byte goes in a write of its own.");
      await stage.type(lab.getByRole("textbox", { name: "Message" }), "ada 2 -1");
      await stage.click(lab.getByRole("button", { name: "Byte by byte" }));
      await stage.click(lab.getByRole("button", { name: "Run" }));
      const result = inspector.getByText(/^The server joined/u);
      await result.waitFor();
      await stage.pointAt(result);
      await stage.say("TCP is a stream: nine writes were one message to the server, because the line feed ends it.");
    },
  },
  {
    name: "an SMTP conversation",
    async play(stage) {
      const { commandLine } = parts(stage);
      await stage.say("Any TCP service will do. This is a mail server that has never heard of WebSockets.");
      await stage.pointAt(commandLine.getByRole("combobox", { name: "Target" }));
      await commandLine.getByRole("combobox", { name: "Target" }).selectOption("mail");
      await stage.click(commandLine.getByRole("button", { name: "Connect" }));
      const entry = newest(stage);
      await entry.getByText("220 ").waitFor();
      await stage.say("It speaks first. The connection stays open, and each line goes over it.");
      for (const [text, answer] of [
        ["EHLO wirebook.example", "250 HELP"],
        ["MAIL FROM:<ada@example.org>", "250 OK"],
        ["RCPT TO:<brick@example.org>", "250 OK"],
        ["QUIT", "221 Bye"],
      ] as const) {
        await send(stage, text);
        await entry.getByText(answer).last().waitFor();
        await pause(700);
      }
      await pause(1500);
    },
  },
  {
    name: "a scenario",
    async play(stage) {
      const { page, inspector } = parts(stage);
      await stage.say("A conversation that was had once can be had again: saved as a text file, and played.");
      await stage.click(newest(stage).getByRole("button", { name: "More" }));
      await stage.click(page.getByRole("menuitem", { name: "Save as scenario" }));
      const form = inspector.getByRole("form", { name: "Scenario" });
      await pause(2500);
      await form.getByText("fast", { exact: true }).click();
      await stage.click(form.getByRole("button", { name: "Play", exact: true }));
      await form.getByText(/[✓✗] /u).first().waitFor();
      await stage.say("Each line that was expected is green or red. The command line plays the same file, in CI too.");
      await pause(1500);
    },
  },
  {
    name: "watching redis-cli",
    isInLoop: true,
    async play(stage, { watchedPort }) {
      const { page, traffic, inspector } = parts(stage);
      await stage.clear("shell");
      await stage.say(
        "Other programs can be watched: redis-cli connects through a port of the gateway, and sees no difference.",
      );
      await bring(stage, "history");
      await stage.click(page.getByRole("button", { name: /^Traffic/u }).first());
      await stage.run("shell", `redis-cli -p ${watchedPort} SET greeting "hello, world"`);
      await stage.run("shell", `redis-cli -p ${watchedPort} GET greeting`);
      await stage.shows("shell", /"hello, world"\n/u);
      await stage.click(traffic.getByRole("listitem").first().getByRole("button"));
      await bring(stage, "inspector");
      await inspector
        .getByText(/talked to redis/u)
        .first()
        .waitFor();
      await stage.click(parts(stage).tab("Stream"));
      await stage.say(
        "Both legs of its connection, live, with every read. Its protocol needs no explanation any more.",
      );
      await pause(1500);
    },
  },
  {
    name: "handing the link on",
    async play(stage) {
      const { page } = parts(stage);
      await stage.say("What was seen can be handed on: the link holds the whole exchange, and sends nothing.");
      await stage.click(page.getByRole("button", { name: "Export & share…" }));
      const dialog = page.getByRole("dialog", { name: "Export & share" });
      await stage.click(dialog.getByRole("button", { name: "Copy link" }));
      const link = dialog.getByRole("textbox", { name: "Link" });
      await link.waitFor();
      const address = await link.inputValue();
      const other = await stage.openBrowser({ left: 90, top: 60, width: 700, height: 560 });
      await other.goto(address);
      await other.getByRole("region", { name: "Inspector" }).waitFor();
      await stage.say("A second browser, of somebody else.");
      await pause(2500);
      await stage.closeBrowser();
      await page.keyboard.press("Escape");
    },
  },
  {
    name: "a lesson",
    async play(stage) {
      const { page } = parts(stage);
      await stage.say("For those who learn: eleven lessons. Each asks first, and then your own traffic answers.");
      await stage.click(page.getByRole("button", { name: "Learn" }));
      const learn = page.getByRole("region", { name: "Learn", exact: true });
      await pause(1500);
      await stage.click(learn.getByRole("button", { name: /TCP is a stream of bytes/u }));
      await pause(1500);
      await stage.click(learn.getByRole("radio").first());
      await stage.say("A guess: three writes arrive in more reads than one.");
      await stage.click(learn.getByRole("button", { name: "Run", exact: true }));
      await learn.getByRole("button", { name: "Again" }).waitFor();
      await bring(stage, "inspector");
      await stage.say("Wrong, as these two streams show: writes and reads have nothing to do with each other.");
      await pause(1500);
      await stage.click(learn.getByRole("button", { name: "Close" }));
    },
  },
  {
    name: "kill and restart",
    async play(stage) {
      const { commandLine, page } = parts(stage);
      await commandLine.getByRole("combobox", { name: "Target" }).selectOption("wirebook");
      await bring(stage, "history");
      await stage.click(page.getByRole("button", { name: /^History/u }).first());
      await request(stage, "ada 2 -1");
      await stage.clear("shell");
      await stage.say("Now the server is killed, without a warning.");
      await stage.run("shell", "fuser -k -KILL -n tcp 5007 2>/dev/null");
      await stage.shows("start", /\$ *\n*$/u);
      await pause(1500);
      await stage.say("It is started again: no line that was answered is lost, and the page goes on by itself.");
      await stage.clear("start");
      await stage.run("start", "npm start --silent");
      await stage.shows("start", /by hand/u);
      await stage.page.getByRole("status", { name: "Connection" }).getByText("the server answers").waitFor();
      await stage.page.getByRole("status", { name: "Follow" }).getByText("live").waitFor();
      await request(stage, "ada 2 -4");
      await pause(2500);
    },
  },
  {
    name: "Wireshark",
    async play(stage) {
      const { page } = parts(stage);
      await bring(stage, "inspector");
      await stage.say("Everything can be exported for Wireshark, as packets with the very bytes and times.");
      await stage.click(page.getByRole("button", { name: "Export & share…" }));
      const dialog = page.getByRole("dialog", { name: "Export & share" });
      const button = dialog.getByRole("button", { name: "pcapng, for Wireshark" });
      await stage.pointAt(button);
      const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
      await download.saveAs(join(stage.folder, "exchange.pcapng"));
      await page.keyboard.press("Escape");
      await stage.clear("shell");
      const fields = ["frame.time_relative", "tcp.srcport", "tcp.dstport", "tcp.flags.str", "tcp.len"];
      await stage.run(
        "shell",
        `tshark -r "$HOME/exchange.pcapng" -T fields ${fields.map((field) => `-e ${field}`).join(" ")}`,
      );
      await stage.shows("shell", /5007[^]*\n\$ *\n*$/u);
      await pause(3500);
      await stage.say("Wirebook. git clone, npm start.");
    },
  },
];
