import type { Stream } from "../streams/stream.svelte.ts";
import { FrameList } from "./frame-list.ts";
import { notesOf } from "./notes/notes.ts";
import type { Note } from "./notes/notes.ts";
import { phasesOf, stepRows } from "./timeline/steps.ts";
import type { Phase, StepRow } from "./timeline/steps.ts";
import { buildTimeline } from "./timeline/timeline.ts";
import type { Timeline } from "./timeline/timeline.ts";

/** A stream as it is at one moment, with all that the views draw of it. */
export interface InspectedStream {
  readonly stream: Stream;
  readonly timeline: Timeline;
  readonly list: FrameList;
  readonly notes: readonly Note[];
  readonly steps: readonly StepRow[];
  readonly phases: readonly Phase[];
}

export function inspect(stream: Stream): InspectedStream {
  const timeline = buildTimeline(stream);
  return {
    stream,
    timeline,
    list: new FrameList(stream),
    notes: notesOf(timeline),
    steps: stepRows(timeline),
    phases: phasesOf(timeline),
  };
}
