/** All that can be done without looking for its button: what the palette lists and the keys reach. */

import { tick } from "svelte";
import type { ExportSubject } from "../export/lazy.ts";
import type { AppState, View } from "../app-state.svelte.ts";
import type { Command } from "./command.ts";
import { themes } from "./theme.svelte.ts";

const composerFields = "#composer :is(input, select)";

/** The commands that can be carried out as things stand. */
export function commandsOf(page: AppState): readonly Command[] {
  return [
    ...places(page),
    ...exchanges(page),
    ...(page.hasBegun ? operations(page) : []),
    ...takeAlong(page),
    ...identity(page),
    ...connection(page),
    ...themes.map((name) => ({
      id: `theme-${name}`,
      label: name === "system" ? "Show light or dark as the system has it" : `Show ${name} colours`,
      run: () => (page.theme.name = name),
    })),
    { id: "keys", label: "List the keys", key: "?", run: () => (page.shell.dialog = "keys") },
  ];
}

function places(page: AppState): Command[] {
  const go = (view: View, selector: string): void => void show(page, view, selector);
  return [
    { id: "compose", label: "Write a message", key: "c", run: () => go("messages", composerFields) },
    { id: "transcript", label: "Go to the transcript", key: "t", run: () => go("messages", "[role=log]") },
    { id: "history", label: "Go to the history", key: "h", run: () => go("history", "#history") },
    { id: "filter", label: "Filter the history", key: "/", run: () => go("history", "#history input[type=search]") },
    {
      id: "lab",
      label: "Send a message delayed, cut or broken: the fault lab",
      run: () => {
        page.isLabOpen = true;
        go("wire", "#wire");
      },
    },
    { id: "wire", label: "Go to the wire", key: "w", run: () => go("wire", "#wire") },
  ];
}

function exchanges(page: AppState): Command[] {
  const { list, selected } = page.exchanges;
  const at = selected === undefined ? list.length : list.indexOf(selected);
  const previous = list[at - 1];
  const next = list[at + 1];
  return [
    ...(next === undefined
      ? []
      : [{ id: "next", label: "Show the next exchange", key: "j", run: () => page.select(next) }]),
    ...(previous === undefined
      ? []
      : [{ id: "previous", label: "Show the exchange before", key: "k", run: () => page.select(previous) }]),
    ...(selected?.state === "running"
      ? [{ id: "cancel", label: "Cancel the exchange shown", key: "x", run: () => page.exchanges.cancel(selected) }]
      : []),
  ];
}

function operations(page: AppState): Command[] {
  return (page.operations.list ?? []).map(({ number, purpose, parameters }) => ({
    id: `operation-${number}`,
    label: `Write operation ${number}: ${purpose}`,
    run: () => {
      page.composer.operation = number;
      // What is to be typed next, or else what is to be looked at before it is sent.
      void show(page, "messages", parameters.length > 0 ? "#composer .argument input" : "#composer select");
    },
  }));
}

function takeAlong(page: AppState): Command[] {
  const { list, selected } = page.exchanges;
  const open = (taking: ExportSubject): void => void (page.shell.taking = taking);
  const saves: Command[] = [
    { id: "save-ndjson", label: "Save the session as NDJSON, to load again", run: () => open({ first: "ndjson" }) },
    { id: "save-pcapng", label: "Save the session as pcapng, for Wireshark", run: () => open({ first: "pcapng" }) },
  ];
  return [
    { id: "take", label: "Take along: copy, save, load", run: () => open({}) },
    ...(list.length === 0 ? [] : saves),
    { id: "load", label: "Load a saved session", run: () => open({ first: "load" }) },
    ...(selected === undefined
      ? []
      : [{ id: "link", label: "Copy a link to the exchange shown", run: () => open({ first: "link" }) }]),
  ];
}

function identity(page: AppState): Command[] {
  const { keyring, composer } = page;
  const name = composer.user.trim();
  if (keyring.has(name)) {
    const ask = (): void => {
      page.view = "messages";
      keyring.isAsking = true;
    };
    return [{ id: "forget", label: `Forget the key of ${name}`, run: ask }];
  }
  const canGenerate = page.canGenerate && page.connection.state === "open" && name !== "" && !keyring.isFull;
  return canGenerate ? [{ id: "generate", label: "Generate a username", run: () => page.generateUser() }] : [];
}

function connection(page: AppState): Command[] {
  const { follower } = page;
  return [
    ...(page.connection.state === "waiting"
      ? [{ id: "reconnect", label: "Connect to the gateway now", key: "r", run: () => page.connection.retryNow() }]
      : []),
    ...(follower.state === "live"
      ? [{ id: "stop", label: "Stop following the history", run: () => follower.stop() }]
      : []),
    ...(follower.state === "stopped"
      ? [{ id: "follow", label: "Follow the history again", run: () => void follower.start() }]
      : []),
  ];
}

/** Shows an area, and moves the focus to a place in it. */
async function show(page: AppState, view: View, selector: string): Promise<void> {
  page.view = view;
  await tick();
  document.querySelector<HTMLElement>(selector)?.focus();
}
