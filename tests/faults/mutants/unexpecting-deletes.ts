/** A history on NATS whose deletes are stored whatever else was deleted meanwhile. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("libs/history-jetstream/src/changes.ts", "[headers.lastOfSubject]: String(lastChange)", "");
