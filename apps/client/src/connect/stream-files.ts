/** The files of `--record` and `--export`: a conversation that is over, as a scenario and as NDJSON. */

import { closeSync } from "node:fs";
import { hideKeys } from "@wirebook/capture";
import { authenticationError, ReplyReader } from "@wirebook/protocol";
import type { StreamRecord } from "@wirebook/protocol";
import { openOutputFile } from "@wirebook/settings";
import { writeScenario } from "@wirebook/scenario";
import { exportedLine, noteReset, openExportFile } from "../output/export-file.ts";
import { beginsWith, OutputFile } from "../output/output-file.ts";
import type { ConnectConfig } from "./connect-config.ts";

export interface StreamFiles {
  /** Writes and closes them; returns a sentence for each in which something is missing. */
  write(record: StreamRecord): string[];
}

/** Opens the files that were asked for. @throws SettingsError when one holds something else, or cannot be written */
export function openStreamFiles(config: ConnectConfig, program: string): StreamFiles | undefined {
  const { target, record: recordPath, export: exportPath } = config;
  if (recordPath === undefined && exportPath === undefined) return undefined;
  const kind = { option: "--record", name: "recorded scenario", isHead: beginsWith("# Recorded with") };
  if (recordPath !== undefined) closeSync(openOutputFile(recordPath, kind, "a"));
  const exported = exportPath === undefined ? undefined : openExportFile(exportPath, program);
  return {
    write(record) {
      noteReset(record);
      const isWithServer = isWirebook(record);
      if (isWithServer) hideKeys(record);
      const comment = `Recorded with wirebook connect ${target.name}`;
      // Where nothing was connected, an older record is worth more than none.
      const hasRecord = recordPath !== undefined && record.events.length > 0;
      const recorded = hasRecord ? new OutputFile(recordPath, kind) : undefined;
      recorded?.write(writeScenario(record.events, { isWithServer, comment }));
      exported?.write(exportedLine(record, target));
      return [recorded, exported].flatMap((file) => file?.close() ?? []);
    },
  };
}

/** True when the target answers as a Wirebook server does. */
function isWirebook({ reads }: StreamRecord): boolean {
  const received = Buffer.concat(reads.map(({ bytes }) => bytes ?? Buffer.alloc(0)));
  return received.toString().startsWith(authenticationError) || new ReplyReader().push(received).header !== undefined;
}
