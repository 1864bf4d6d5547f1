/** A gateway that never asks whether a page still lives. */

import { replaceInSource } from "../framework/mutant.ts";

replaceInSource("apps/gateway/src/websocket/page-connections.ts", "connection.beat()", "connection");
