/** What the palette lists and the single keys do. */

import { tick } from "svelte";
import type { AppState, ExportSubject, View } from "../app-state.svelte.ts";
import { themes } from "./preferences.svelte.ts";

/** Something that can be done from the palette, and perhaps by one key. */
export interface Command {
  readonly id: string;
  /** Imperative: `Go to the history`. */
  readonly label: string;
  /** As in `KeyboardEvent.key`; works only while no field has the focus. */
  readonly key?: string;
  run(): void;
}

/** The commands whose label has every typed word. */
export function matching(commands: readonly Command[], typed: string): readonly Command[] {
  const words = typed.toLowerCase().split(/\s+/u);
  return commands.filter(({ label }) => {
    const text = label.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "isComposing">;

/** True for Ctrl+K, and ⌘K on a Mac. */
export function opensPalette({ key, ctrlKey, metaKey, altKey }: Press): boolean {
  return key.toLowerCase() === "k" && (ctrlKey || metaKey) && !altKey;
}

/**
 * The command of a single key.
 *
 * @param isTyping true while the key would be text in a field, or a choice in a list
 */
export function commandFor(commands: readonly Command[], press: Press, isTyping: boolean): Command | undefined {
  const { key, ctrlKey, metaKey, altKey, isComposing } = press;
  if (isTyping || isComposing || ctrlKey || metaKey || altKey) return undefined;
  return commands.find((command) => command.key === key);
}

/** A command, or `undefined` where it cannot be carried out now. */
type MaybeCommand = Command | false | undefined;

export function commandsOf(page: AppState): readonly Command[] {
  const all: readonly MaybeCommand[] = [
    ...places(page),
    ...exchanges(page),
    ...(page.hasConnected ? operations(page) : []),
    ...exports(page),
    identity(page),
    ...connection(page),
    ...themes.map((theme) => ({
      id: `theme-${theme}`,
      label: theme === "system" ? "Use the system's colours" : `Use ${theme} colours`,
      run: () => (page.preferences.theme = theme),
    })),
    { id: "shortcuts", label: "Show keyboard shortcuts", key: "?", run: () => (page.dialog = "shortcuts") },
  ];
  return all.filter((command) => command !== undefined && command !== false);
}

function places(page: AppState): readonly Command[] {
  const go = (view: View, selector: string) => () => void show(page, view, selector);
  const openLab = () => {
    page.isLabOpen = true;
    void show(page, "wire", "#wire");
  };
  return [
    { id: "compose", label: "Write a message", key: "c", run: go("transcript", "#composer :is(input, select)") },
    { id: "transcript", label: "Go to the transcript", key: "t", run: go("transcript", "[role=log]") },
    { id: "history", label: "Go to the history", key: "h", run: go("history", "#history") },
    { id: "filter", label: "Filter the history", key: "/", run: go("history", "#history input[type=search]") },
    { id: "lab", label: "Open the fault lab: send a message late, cut or broken", run: openLab },
    { id: "wire", label: "Go to the wire", key: "w", run: go("wire", "#wire") },
  ];
}

function exchanges(page: AppState): readonly MaybeCommand[] {
  const { list, selected } = page.exchanges;
  const at = selected === undefined ? list.length : list.indexOf(selected);
  const previous = list[at - 1];
  const next = list[at + 1];
  const cancel = () => selected && page.exchanges.cancel(selected);
  return [
    next && { id: "next", label: "Show the next exchange", key: "j", run: () => page.select(next) },
    previous && { id: "previous", label: "Show the previous exchange", key: "k", run: () => page.select(previous) },
    selected?.state === "running" && { id: "cancel", label: "Cancel the selected exchange", key: "x", run: cancel },
  ];
}

function operations(page: AppState): readonly Command[] {
  return (page.operations.list ?? []).map(({ number, purpose, parameters }) => ({
    id: `operation-${number}`,
    label: `Write operation ${number}: ${purpose}`,
    run: () => {
      page.composer.operation = number;
      // The focus goes to what is typed next, or else to what to check before it is sent.
      void show(page, "transcript", parameters.length > 0 ? "#composer .argument input" : "#composer select");
    },
  }));
}

function exports(page: AppState): readonly MaybeCommand[] {
  const { list, selected } = page.exchanges;
  const open = (subject: ExportSubject) => () => void (page.exportSubject = subject);
  const hasAny = list.length > 0;
  return [
    { id: "export", label: "Export & share: copy, save, load", run: open({}) },
    hasAny && { id: "ndjson", label: "Save the session as NDJSON, to load again", run: open({ first: "ndjson" }) },
    hasAny && { id: "pcapng", label: "Save the session as pcapng, for Wireshark", run: open({ first: "pcapng" }) },
    { id: "load", label: "Load a saved session", run: open({ first: "load" }) },
    selected && { id: "link", label: "Copy a link to the selected exchange", run: open({ first: "link" }) },
  ];
}

function identity(page: AppState): MaybeCommand {
  const { keyring, composer } = page;
  const name = composer.user.trim();
  if (keyring.has(name)) {
    const confirm = () => {
      page.view = "transcript";
      keyring.isConfirmingForget = true;
    };
    return { id: "forget", label: `Forget the key of ${name}`, run: confirm };
  }
  const canGenerate = page.canGenerate && page.connection.state === "open" && name !== "" && !keyring.isFull;
  return canGenerate && { id: "generate", label: "Generate a username", run: () => page.generateUser() };
}

function connection({ connection: gateway, follower }: AppState): readonly MaybeCommand[] {
  const reconnect = () => gateway.retryNow();
  return [
    gateway.state === "waiting" && { id: "reconnect", label: "Reconnect to the gateway now", key: "r", run: reconnect },
    follower.state === "live" && { id: "stop", label: "Stop following the history", run: () => follower.stop() },
    follower.state === "stopped" && { id: "follow", label: "Follow the history", run: () => void follower.start() },
  ];
}

/** Shows an area, and moves the focus to a place in it. */
async function show(page: AppState, view: View, selector: string): Promise<void> {
  page.view = view;
  await tick();
  document.querySelector<HTMLElement>(selector)?.focus();
}
