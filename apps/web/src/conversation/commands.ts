import { serverName } from "../gateway/targets.ts";
import type { Operations } from "../streams/operations.svelte.ts";
import type { Streams } from "../streams/streams.svelte.ts";
import type { Keeper } from "../streams/keeper.svelte.ts";
import type { Stream } from "../streams/stream.svelte.ts";
import { copyText } from "../ui/browser.ts";
import { possible } from "../ui/commands.ts";
import type { Command } from "../ui/commands.ts";
import type { Layout } from "../ui/layout.svelte.ts";
import type { CommandLine } from "./command-line.svelte.ts";
import { makeDraft } from "./draft.ts";
import type { Find } from "./find.svelte.ts";
import type { Identity } from "./identity.svelte.ts";

interface Parts {
  readonly commandLine: CommandLine;
  readonly find: Find;
  readonly identity: Identity;
  readonly keeper: Keeper;
  readonly layout: Layout;
  readonly operations: Operations;
  readonly streams: Streams;
  readonly onSelect: (stream: Stream) => void;
}

const field = "#command-line textarea";

export function conversationCommands(parts: Parts): readonly Command[] {
  const { find, keeper, layout } = parts;
  return [
    {
      id: "compose",
      label: "Write a message",
      key: "c",
      words: "send raw line command type text",
      run: () => void layout.focus("conversation", field),
    },
    {
      id: "conversation",
      label: "Go to the conversation",
      key: "t",
      words: "transcript entries log",
      run: () => void layout.focus("conversation", "[role=log]"),
    },
    {
      id: "find",
      label: "Find in the conversation",
      words: "search look text",
      run: () => {
        find.isOpen = true;
        layout.pane = "conversation";
      },
    },
    {
      id: "clear",
      label: "Clear the conversation",
      words: "empty delete entries reset",
      run: () => {
        layout.pane = "conversation";
        keeper.askToClear();
      },
    },
    ...streamCommands(parts),
    ...targetCommands(parts),
    ...operationCommands(parts),
    ...identityCommands(parts),
  ];
}

function streamCommands({ commandLine, layout, streams, onSelect }: Parts): readonly Command[] {
  const { list, selected } = streams;
  const at = selected === undefined ? list.length : list.indexOf(selected);
  const [previous, next] = [list[at - 1], list[at + 1]];
  return possible([
    next && { id: "next", label: "Show the next entry", key: "j", words: "exchange", run: () => onSelect(next) },
    previous && {
      id: "previous",
      label: "Show the previous entry",
      key: "k",
      words: "exchange",
      run: () => onSelect(previous),
    },
    selected?.state === "running" && {
      id: "cancel",
      label: "Cancel the selected entry",
      key: "x",
      words: "stop abort close exchange",
      run: () => streams.cancel(selected),
    },
    selected && {
      id: "again",
      label: "Send the selected entry again",
      words: "repeat resend replay",
      run: () => commandLine.sendAgain(selected),
    },
    selected && {
      id: "copy",
      label: "Copy the message of the selected entry",
      words: "clipboard text",
      run: () => void copyText(selected.message.trimEnd()),
    },
    selected && {
      id: "edit",
      label: "Edit the selected entry and send it",
      words: "change copy message",
      run: () => {
        commandLine.edit(selected);
        void layout.focus("conversation", field);
      },
    },
  ]);
}

function targetCommands({ commandLine, layout, streams }: Parts): readonly Command[] {
  const { settings, isForServer, conversation } = commandLine;
  const others = streams.targets.filter(({ name }) => name !== commandLine.target.name);
  const input = settings.input === "hex" ? "text" : "hex";
  return possible([
    ...others.map(({ name }) => ({
      id: `target-${name}`,
      label: `Send to ${name}`,
      words: "target service server connect switch",
      run: () => {
        commandLine.choose(name);
        void layout.focus("conversation", field);
      },
    })),
    !isForServer && {
      id: "input",
      label: `Type ${input === "hex" ? "bytes in hex" : "text"}`,
      words: "raw hex text binary input",
      run: () => {
        commandLine.set({ input });
        void layout.focus("conversation", field);
      },
    },
    conversation && {
      id: "close-conversation",
      label: "Close the conversation",
      words: "end fin disconnect quit",
      run: () => streams.end(conversation),
    },
  ]);
}

function operationCommands({ commandLine, identity, layout, operations }: Parts): readonly Command[] {
  if (!identity.hasConnected) return [];
  return (operations.list ?? []).map(({ number, purpose }) => ({
    id: `operation-${number}`,
    label: `Write operation ${number}: ${purpose}`,
    run: () => {
      commandLine.writeOperation(number);
      void layout.focus("conversation", field);
    },
  }));
}

function identityCommands({ commandLine, identity: { keyring }, layout }: Parts): readonly Command[] {
  const { name } = commandLine;
  const open = () => {
    layout.pane = "conversation";
    commandLine.panel = "identity";
  };
  const forget = () => {
    open();
    keyring.isConfirmingForget = true;
  };
  return possible([
    keyring.has(name) && { id: "forget", label: `Forget the key of ${name}`, words: "identity user", run: forget },
    !keyring.has(name) &&
      commandLine.canRegister && {
        id: "register",
        label: "Register a new user",
        words: "generate username create identity key account name",
        run: open,
      },
  ]);
}

/** Sends what is typed in the palette, where it can only be meant as a message. */
export function messageCommands(typed: string, parts: Parts): readonly Command[] {
  const { commandLine, identity, layout, operations, streams } = parts;
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
