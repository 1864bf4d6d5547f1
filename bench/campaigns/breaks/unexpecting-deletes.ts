/** A history on NATS whose deletes are stored whatever else was deleted meanwhile. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource("libs/history/src/jetstream/changes.ts", "[headers.lastOfSubject]: String(lastChange)", "");
