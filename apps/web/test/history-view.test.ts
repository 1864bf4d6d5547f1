import { describe, expect, test } from "vitest";
import { encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import type { Zone } from "../src/ui/format.ts";
import { HistoryReplica } from "../src/history/replica/history-replica.ts";
import { History } from "../src/history/replica/history.svelte.ts";
import { Search } from "../src/history/search/search.svelte.ts";
import { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { expectInStep, openLiveScene, openScene } from "./app-fixture.ts";

const write = () => {};

async function open(lines: number) {
  const scene = await openLiveScene(lines);
  const view = new HistoryView(scene.history);
  view.showsBackground = true;
  const search = new Search(scene.streams, scene.history, view, { zone: "utc" }, write);
  return { ...scene, view, search };
}

/** What the rows of a view say. */
function rowsOf(view: HistoryView): string {
  return Array.from({ length: view.rows }, (_, row) => {
    const { kind, position, to } = view.rowAt(row);
    return kind === "line" ? String(position) : kind === "day" ? `day ${position}` : `fold ${position}-${to}`;
  }).join(", ");
}

const startUs = Date.parse("2026-11-27T20:00:00Z") * 1000;
const lineAt = (hours: number, message = "otter 1") =>
  encodeRequestEntry(encodeTime(startUs + hours * 3_600_000_000), "127.0.0.1", message, false);

/** A view of lines that were written so many hours after eight in the evening. */
function viewOf(hours: readonly (number | readonly [number, string])[], zone: Zone = "utc") {
  const history = new History();
  const replica = new HistoryReplica();
  const lineOf = (each: (typeof hours)[number]) => (typeof each === "number" ? lineAt(each) : lineAt(...each));
  for (const each of hours) replica.append(lineOf(each));
  history.show(replica);
  const preferences = { zone };
  const view = new HistoryView(history, preferences);
  const search = new Search(openScene().streams, history, view, preferences, write);
  return { replica, preferences, view, search };
}

const read = "ada 2 1 9 snapshot";

describe("what is seen of the history", () => {
  test("is every line, a row each", async () => {
    const { view, peer } = await open(20);
    expect([view.rows, view.rowAt(4), view.rowOf(5)]).toEqual([
      23,
      { kind: "line", position: 5, line: peer.lines[4], to: 5 },
      4,
    ]);
  });

  test("stays with its lines when lines above are deleted", async () => {
    const scene = await open(20);
    scene.view.noteTop(9);
    scene.view.hold("cursor", 12);
    scene.view.hold("detailed", 4);
    scene.peer.delete(5);
    scene.peer.delete(1);
    await expectInStep(scene);
    expect([scene.view.topRow, scene.view.rowHeld("cursor"), scene.view.rowHeld("detailed")]).toEqual([
      7,
      10,
      undefined,
    ]);
    expect(scene.view.lineHeld("detailed")).toContain("otter 5");
  });

  test("is no longer where a line was seen, when a line above it was deleted meanwhile", async () => {
    const scene = await open(20);
    const seen = { position: 10, line: scene.peer.lines[9] ?? "" };
    expect(scene.view.rowSeen(seen)).toBe(9);
    scene.peer.append("otter more");
    await expectInStep(scene);
    expect(scene.view.rowSeen(seen)).toBe(9);
    scene.peer.delete(2);
    await expectInStep(scene);
    expect(scene.view.rowSeen(seen)).toBeUndefined();
  });

  test("is the lines that fit when there is a filter, and stays where it is when the filter goes", async () => {
    const { view, search } = await open(200);
    view.hold("cursor", 149);
    search.text = '"otter 15"';
    expect([view.rows, view.rowAt(0).position, view.rowHeld("cursor")]).toEqual([11, 15, 1]);
    view.noteTop(5);
    search.text = "";
    expect([view.rows, view.topRow, view.rowHeld("cursor")]).toEqual([203, 153, 149]);
  });

  test("counts the lines that came since the newest was seen", async () => {
    const scene = await open(20);
    scene.view.noteEnd(true);
    scene.peer.append("otter more");
    scene.peer.delete(2);
    await expectInStep(scene);
    expect(scene.view.unseen).toBe(2);
    scene.search.text = '"otter more"';
    expect(scene.view.unseen).toBe(1);
  });
});

describe("days", () => {
  test("begin above their first line, also when that comes, is read or is deleted later", () => {
    const { view, replica } = viewOf([0, 3, 4, 5]);
    expect(rowsOf(view)).toBe("1, 2, day 3, 3, 4");
    replica.apply(lineAt(30));
    expect(rowsOf(view)).toBe("1, 2, day 3, 3, 4, day 5, 5");
    expect(replica.delete(3, lineAt(4).slice(0, 27))).toBe(true);
  });

  test("are found where pages meet, and lines without a time belong to the day before", () => {
    const history = new History();
    const replica = new HistoryReplica(6);
    history.show(replica);
    const view = new HistoryView(history);
    replica.put(5, [lineAt(4), "by hand"]);
    expect(rowsOf(view)).toBe("1, 2, 3, 4, 5, 6");
    replica.put(1, [lineAt(0), lineAt(1), "by hand", "and again"]);
    expect(rowsOf(view)).toBe("1, 2, 3, 4, day 5, 5, 6");
    replica.apply(lineAt(5));
    expect(rowsOf(view)).toBe("1, 2, 3, 4, day 5, 5, 6, 7");
  });

  test("stand between matches, too", () => {
    const { view, search } = viewOf([0, 1, [2, "heron"], 4, 5, 30]);
    search.text = "otter";
    expect(rowsOf(view)).toBe("1, 2, day 4, 4, 5, day 6, 6");
    expect([view.timeBefore(2).slice(0, 10), view.timeBefore(3).slice(0, 10)]).toEqual(["2026-11-27", "2026-11-28"]);
  });

  test("begin when they do in the zone that is shown", () => {
    const { view, preferences } = viewOf([0, 3, 4, 5]);
    const before = rowsOf(view);
    preferences.zone = "local";
    const days = [0, 3, 4, 5].map((hours) => new Date(startUs / 1000 + hours * 3_600_000).getDate());
    const expected = days.map((day, index) =>
      index > 0 && day !== days[index - 1] ? `day ${index + 1}, ${index + 1}` : String(index + 1),
    );
    expect(rowsOf(view)).toBe(expected.join(", "));
    preferences.zone = "utc";
    expect(rowsOf(view)).toBe(before);
  });
});

describe("background requests", () => {
  test("fold into one row", () => {
    const { view } = viewOf([0, [0.1, read], [0.2, read], 0.3]);
    expect(rowsOf(view)).toBe("1, fold 2-3, 4");
    view.showsBackground = true;
    expect(rowsOf(view)).toBe("1, 2, 3, 4");
    view.showsBackground = false;
  });

  test("unfold for a line that is to be shown", () => {
    const { view } = viewOf([0, [0.1, read], [0.2, read], 0.3]);
    view.reveal(3);
    expect([rowsOf(view), view.rowHeld("cursor")]).toEqual(["1, 2, 3, 4", 2]);
    view.showsBackground = false;
  });

  test("are no new lines, and are left out of a filter that they match", () => {
    const { view, search, replica } = viewOf([0, 0.1]);
    view.noteEnd(true);
    replica.apply(lineAt(0.2, read));
    replica.apply(lineAt(0.3, "ada 1"));
    expect(view.unseen).toBe(1);
    search.text = "user:ada";
    expect(rowsOf(view)).toBe("4");
  });

  test("are those that this page made: by its name alone, to follow and to read", async () => {
    const scene = await openLiveScene(3);
    const view = new HistoryView(scene.history);
    expect(scene.peer.lines.slice(3).map((line) => line.slice(28))).toEqual([
      '127.0.0.1 "brick"',
      '127.0.0.1 "brick 5"',
      expect.stringMatching(/"brick 2 1 \d snapshot"$/),
    ]);
    expect(rowsOf(view)).toBe("1, 2, 3, fold 4-6");
    scene.peer.append("brick");
    scene.peer.append("brick 5");
    await expectInStep(scene);
    expect(rowsOf(view)).toBe("1, 2, 3, fold 4-6, 7, 8");
  });
});

test("the cursor steps over the row of a day", () => {
  const { view } = viewOf([0, 4]);
  expect(rowsOf(view)).toBe("1, day 2, 2");
  view.moveCursor(0);
  view.moveCursor(1);
  expect(view.rowHeld("cursor")).toBe(2);
  view.moveCursor(1);
  expect(view.rowHeld("cursor")).toBe(0);
});
