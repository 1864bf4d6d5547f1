import { describe, expect, test } from "vitest";
import { encodeRequestEntry, encodeTime } from "@wirebook/protocol";
import type { Zone } from "../src/ui/format.ts";
import type { HistoryView } from "../src/history/view/history-view.svelte.ts";
import { deleteLine, expectInStep, openLiveScene, openScene } from "./app-fixture.ts";

async function open(lines: number) {
  const scene = await openLiveScene(lines);
  scene.view.showsBackground = true;
  return scene;
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
function viewOf(hours: readonly (number | readonly [hours: number, message: string])[], zone: Zone = "utc") {
  const preferences = { zone };
  const scene = openScene(0, preferences);
  for (const each of hours) scene.cache.apply(typeof each === "number" ? lineAt(each) : lineAt(...each));
  return { ...scene, preferences };
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
    const { view, peer, ...scene } = await open(20);
    view.noteTop(9, 9.5);
    view.cursor = 13;
    view.detailed = { position: 5, line: peer.lines[4] ?? "" };
    peer.delete(2);
    await expectInStep({ ...scene, view, peer });
    expect([view.rowsAbove, view.cursorRow, view.detailed?.position]).toEqual([8.5, 11, 4]);
    peer.delete(4);
    await expectInStep({ ...scene, view, peer });
    expect([view.rowsAbove, view.cursorRow, view.detailed]).toEqual([7.5, 10, undefined]);
  });

  test("begins again with the lines: the cursor keeps its number, and no line is shown in full", async () => {
    const { view, cache } = await open(20);
    view.cursor = 13;
    view.detailed = { position: 13, line: "otter" };
    cache.reset(10);
    expect([view.cursor, view.detailed]).toEqual([10, undefined]);
    cache.reset();
    expect([view.cursorRow, view.rows]).toEqual([undefined, 0]);
  });

  test("is the lines that fit when there is a filter, and stays where it is when the filter goes", async () => {
    const { view, search } = await open(200);
    view.cursor = 150;
    search.text = '"otter 15"';
    expect([view.rows, view.rowAt(0).position, view.cursorRow]).toEqual([11, 15, 1]);
    view.noteTop(5, 5);
    search.text = "";
    expect([view.rows, view.rowsAbove, view.cursorRow]).toEqual([203, 153, 149]);
  });

  test("counts the lines that came since the newest was seen", async () => {
    const scene = await open(20);
    scene.view.noteEnd(false);
    scene.peer.append("otter more");
    scene.peer.delete(2);
    await expectInStep(scene);
    expect(scene.view.unseen).toBe(2);
    scene.view.noteEnd(true);
    expect(scene.view.unseen).toBe(0);
    scene.search.text = '"otter more"';
    scene.view.noteEnd(false);
    for (const message of ["heron", "otter more"]) scene.peer.append(message);
    await expectInStep(scene);
    expect(scene.view.unseen).toBe(1);
  });
});

describe("days", () => {
  test("begin above their first line, also when that comes, is read or is deleted later", () => {
    const { view, cache } = viewOf([0, 3, 4, 5]);
    expect(rowsOf(view)).toBe("1, 2, day 3, 3, 4");
    cache.apply(lineAt(30));
    expect(rowsOf(view)).toBe("1, 2, day 3, 3, 4, day 5, 5");
    deleteLine(cache, 3, encodeTime(startUs + 31 * 3_600_000_000));
    expect(rowsOf(view)).toBe("1, 2, day 3, 3, day 4, 4, 5");
  });

  test("are found where pages meet, and lines without a time belong to the day before", () => {
    const { view, cache } = openScene();
    cache.reset(6);
    cache.put(5, [lineAt(4), "by hand"]);
    expect(rowsOf(view)).toBe("1, 2, 3, 4, 5, 6");
    cache.put(1, [lineAt(0), lineAt(1), "by hand", "and again"]);
    expect(rowsOf(view)).toBe("1, 2, 3, 4, day 5, 5, 6");
    cache.apply(lineAt(5));
    expect(rowsOf(view)).toBe("1, 2, 3, 4, day 5, 5, 6, 7");
  });

  test("stand between matches, too", () => {
    const { view, search } = viewOf([0, 1, [2, "heron"], 4, 5, 30]);
    search.text = "otter";
    expect(rowsOf(view)).toBe("1, 2, day 4, 4, 5, day 6, 6");
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
    expect([rowsOf(view), view.cursorRow]).toEqual(["1, 2, 3, 4", 2]);
    view.showsBackground = false;
  });

  test("are no new lines, and are left out of a filter that they match", () => {
    const { view, search, cache } = viewOf([0, 0.1]);
    view.noteEnd(false);
    cache.apply(lineAt(0.2, read));
    cache.apply(lineAt(0.3, "ada 1"));
    expect(view.unseen).toBe(1);
    search.text = "user:ada";
    expect(rowsOf(view)).toBe("4");
  });

  test("are follows and reads of a version, whoever made them, and not a name alone", async () => {
    const scene = await openLiveScene(3);
    const { view } = scene;
    expect(scene.peer.lines.slice(3).map((line) => line.slice(28))).toEqual([
      '127.0.0.1 "brick"',
      '127.0.0.1 "brick 5"',
      expect.stringMatching(/"brick 2 1 \d snapshot"$/),
    ]);
    expect(rowsOf(view)).toBe("1, 2, 3, 4, fold 5-6");
    for (const message of ["ada 5", "ada 5 5", "ada 2 1 9"]) scene.peer.append(message);
    await expectInStep(scene);
    expect(rowsOf(view)).toBe("1, 2, 3, 4, fold 5-7, 8, 9");
  });
});

test("the cursor steps over the row of a day", () => {
  const { view } = viewOf([0, 4]);
  expect(rowsOf(view)).toBe("1, day 2, 2");
  view.moveCursor(0);
  view.moveCursor(1);
  expect(view.cursorRow).toBe(2);
  view.moveCursor(1);
  expect(view.cursorRow).toBe(0);
});
