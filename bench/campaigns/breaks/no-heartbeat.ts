/** A gateway that never asks whether a page still lives. */

import { replaceInSource } from "../framework/break.ts";

replaceInSource("apps/gateway/src/sockets.ts", "connection.beat()", "connection");
