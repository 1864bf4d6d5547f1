import { quoteText } from "@wirebook/protocol";
import { SettingsError, describeSettings, readSettings, withoutUserinfo } from "@wirebook/settings";
import type { SettingsSource } from "@wirebook/settings";
import { assertOptionsApply, storageTable } from "../storage.ts";
import type { StorageSettings } from "../storage.ts";

/** What is to be done with a history as a whole. */
export interface Task {
  readonly verb: "export" | "import";
  readonly file: string;
  readonly storage: StorageSettings;
}

/** The help that `--help` prints. */
export const help = `Usage: npm run history -- export FILE --history nats://HOST,HOST,HOST/NAME
       npm run history -- import FILE --history nats://HOST,HOST,HOST/NAME

Copies a history between a file and a NATS cluster, line by line and byte for byte. export
writes a snapshot into a new FILE, also while servers run. import needs an empty history.

${describeSettings(storageTable)}
Exit codes: 0 done, 1 not done, 2 wrong usage.
`;

/**
 * Reads what is to be done; `undefined` when help was asked for.
 *
 * @throws SettingsError with a sentence that says what to type instead
 */
export function readTask(source: SettingsSource): Task | undefined {
  const { settings, options, words, isHelp } = readSettings(storageTable, source);
  const [verb, file, ...rest] = words;
  if (isHelp) return undefined;
  if (verb !== "export" && verb !== "import") {
    const what = verb === undefined ? "missing command" : `unknown command ${withoutUserinfo(quoteText(verb))}`;
    throw new SettingsError(`${what}; type export FILE or import FILE`);
  }
  if (file === undefined || rest.length > 0) throw new SettingsError(`${verb} takes one file; type: ${verb} FILE`);
  assertOptionsApply(settings, options);
  return { verb, file, storage: settings };
}
