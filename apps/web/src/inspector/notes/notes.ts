/** Short notes on what is seen in this exchange. They are computed from its story and say nothing that is not in it. */

import type { Timeline } from "../timeline/timeline.ts";
import { responseNotes } from "./response-notes.ts";
import type { Note } from "./note.ts";
import { requestNotes } from "./request-notes.ts";

/** The notes of a story, in the order in which things happened. */
export function notesOf(story: Timeline): readonly Note[] {
  return [...requestNotes(story), ...responseNotes(story)];
}
