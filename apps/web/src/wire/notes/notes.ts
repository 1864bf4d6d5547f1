/** Short notes on what is seen in this exchange. They are computed from its story and say nothing that is not in it. */

import type { Story } from "../story.ts";
import { notesBack } from "./back.ts";
import type { Note } from "./note.ts";
import { notesThere } from "./there.ts";

/** The notes of a story, in the order in which things happened. */
export function notesOf(story: Story): readonly Note[] {
  return [...notesThere(story), ...notesBack(story)];
}
