import type { App } from "../app.svelte.ts";
import { serverName } from "../gateway/targets.ts";
import { copyText } from "../ui/browser.ts";
import { possible } from "../ui/commands.ts";
import type { Command } from "../ui/commands.ts";
import type { CommandLine } from "./command-line.svelte.ts";
import { makeDraft } from "./draft.ts";

const field = "#command-line textarea";

export function conversationCommands(app: App): readonly Command[] {
  const { find, keeper, layout } = app;
  const write = () => void layout.focus("conversation", field);
  const go = () => void layout.focus("conversation", '[data-pane="conversation"] .scroller');
  const show = (change: () => void) => () => {
    layout.pane = "conversation";
    layout.lesson = undefined;
    change();
  };
  const search = show(() => (find.isOpen = true));
  const clear = show(() => keeper.askToClear());
  return [
    { id: "compose", label: "Write a message", key: "c", words: "send raw line command type text", run: write },
    { id: "conversation", label: "Go to the conversation", key: "t", words: "transcript entries log", run: go },
    { id: "find", label: "Find in the conversation", words: "search look text", run: search },
    { id: "clear", label: "Clear the conversation", words: "empty delete entries reset", run: clear },
    ...streamCommands(app),
    ...lineCommands(app),
  ];
}

function streamCommands(app: App): readonly Command[] {
  const { commandLine, layout, streams } = app;
  const { list, selected } = streams;
  const at = selected === undefined ? list.length : list.indexOf(selected);
  const [previous, next] = [list[at - 1], list[at + 1]];
  const words = "exchange repeat resend replay clipboard text change message";
  const go = (id: string, key: string, to = next) =>
    to && { id, label: `Show the ${id} entry`, key, words: "exchange", run: () => app.select(to) };
  const shown = [go("next", "j"), previous && go("previous", "k", previous)];
  if (selected === undefined) return possible(shown);
  const cancel = () => streams.cancel(selected);
  const copy = () => void copyText(selected.message.trimEnd());
  const edit = () => {
    commandLine.edit(selected);
    void layout.focus("conversation", field);
  };
  return possible([
    ...shown,
    selected.state === "running" && {
      id: "cancel",
      label: "Cancel the selected entry",
      key: "x",
      words: "stop abort close exchange",
      run: cancel,
    },
    { id: "again", label: "Send the selected entry again", words, run: () => commandLine.sendAgain(selected) },
    { id: "copy", label: "Copy the message of the selected entry", words, run: copy },
    { id: "edit", label: "Edit the selected entry and send it", words, run: edit },
  ]);
}

/** What concerns the command line: its target, the operations of the server, the name. */
function lineCommands({ commandLine, identity, layout, operations, streams }: App): readonly Command[] {
  const { conversation, isForServer, name, settings } = commandLine;
  const { keyring } = identity;
  const write = (change: () => void) => () => {
    change();
    void layout.focus("conversation", field);
  };
  const openIdentity = () => {
    layout.pane = "conversation";
    commandLine.panel = "identity";
  };
  const forget = () => {
    openIdentity();
    keyring.isConfirmingForget = true;
  };
  const input = settings.input === "hex" ? "text" : "hex";
  const offered = identity.hasConnected ? (operations.list ?? []) : [];
  return possible([
    ...streams.targets
      .filter((target) => target.name !== commandLine.target.name)
      .map((target) => ({
        id: `target-${target.name}`,
        label: `Send to ${target.name}`,
        words: "target service server connect switch",
        run: write(() => commandLine.choose(target.name)),
      })),
    !isForServer && {
      id: "input",
      label: `Type ${input === "hex" ? "bytes in hex" : "text"}`,
      words: "raw hex text binary input",
      run: write(() => commandLine.set({ input })),
    },
    conversation && {
      id: "close-conversation",
      label: "Close the conversation",
      words: "end fin disconnect quit",
      run: () => streams.end(conversation),
    },
    ...offered.map(({ number, purpose }) => ({
      id: `operation-${number}`,
      label: `Write operation ${number}: ${purpose}`,
      run: write(() => commandLine.writeOperation(number)),
    })),
    keyring.has(name)
      ? { id: "forget", label: `Forget the key of ${name}`, words: "identity user", run: forget }
      : commandLine.canRegister && {
          id: "register",
          label: "Register a new user",
          words: "generate username create identity key account name",
          run: openIdentity,
        },
  ]);
}

/** Sends what is typed in the palette, where it can only be meant as a message. */
export function messageCommands(typed: string, app: App): readonly Command[] {
  const { commandLine, identity, layout, operations, streams } = app;
  const message = typed.trim();
  const draft = makeDraft(message, (name) => identity.keyring.withKey(name), operations.list);
  if (streams.hasServer && draft.problem === undefined && draft.request?.operation !== undefined) {
    // Deleting everything is asked about where lines are sent.
    const isQuestion = draft.verb === "delete-all";
    const write = () => {
      useLine(commandLine, serverName, message);
      void layout.focus("conversation", field);
    };
    const run = isQuestion ? write : () => sendLine(commandLine, serverName, message);
    return [{ id: "send", label: `${isQuestion ? "Write" : "Send"} “${message}”`, run }];
  }
  const { name } = commandLine.target;
  const isMeant = message !== "" && commandLine.conversation !== undefined && commandLine.settings.input === "text";
  if (!isMeant || commandLine.isForServer) return [];
  return [{ id: "send", label: `Send “${message}” to ${name}`, run: () => sendLine(commandLine, name, message) }];
}

function useLine(commandLine: CommandLine, target: string, line: string): void {
  if (commandLine.target.name !== target) commandLine.choose(target);
  commandLine.text = line;
}

/** What somebody was typing stays. */
function sendLine(commandLine: CommandLine, target: string, line: string): void {
  const before = commandLine.target.name === target ? commandLine.text : "";
  useLine(commandLine, target, line);
  commandLine.send();
  if (before !== "") commandLine.text = before;
}
