import { redactKeys, isName, nameCharactersMax, quoteText, roles } from "@wirebook/protocol";
import type { Role } from "@wirebook/protocol";
import { SettingsError, describeSettings, oneOf, readSettings, withoutUserinfo } from "@wirebook/settings";
import type { SettingsSource } from "@wirebook/settings";
import { assertOptionsApply, storageTable } from "../storage.ts";
import type { StorageSettings } from "../storage.ts";

const table = {
  role: {
    schema: oneOf(roles),
    default: "member",
    env: "WIREBOOK_ROLE",
    form: "ROLE",
    expects: "member or admin",
    help: "what a new user may do with --users registered: all but delete (member) or everything (admin)",
  },
  ...storageTable,
} as const;

/** What is to be done with the users of a history. */
export type Task =
  | { readonly verb: "list"; readonly storage: StorageSettings }
  | { readonly verb: "add"; readonly name: string; readonly role: Role; readonly storage: StorageSettings }
  | { readonly verb: "remove"; readonly name: string; readonly storage: StorageSettings }
  | { readonly verb: "export" | "import"; readonly file: string; readonly storage: StorageSettings };

/** The help that `--help` prints. */
export const help = `Usage: npm run users -- add NAME [option…]
       npm run users -- list
       npm run users -- remove NAME
       npm run users -- export FILE
       npm run users -- import FILE

Manages the registered users of a Wirebook server. A running server applies a change within
0.1 s. import registers the users of a users.txt or of an export, and keeps their keys.

${describeSettings(table)}
Exit codes: 0 done, 1 not done, 2 wrong usage.
`;

/**
 * Reads what is to be done; `undefined` when help was asked for.
 *
 * @throws SettingsError with a sentence that says what to type instead
 */
export function readTask(source: SettingsSource): Task | undefined {
  const { settings, options, words, isHelp } = readSettings(table, source);
  const { role, ...storage } = settings;
  const [verb, operand, ...rest] = words;
  if (isHelp) return undefined;
  if (!isVerb(verb)) {
    const what =
      verb === undefined ? "missing command" : `unknown command ${withoutUserinfo(quoteText(redactKeys(verb)))}`;
    throw new SettingsError(`${what}; type add NAME, list, remove NAME, export FILE or import FILE`);
  }
  assertOptionsApply(storage, options);
  if (verb !== "add" && options.includes("--role"))
    throw new SettingsError(`--role is for add, not for ${verb}; leave it out`);
  if (verb === "list") {
    if (operand !== undefined) throw new SettingsError("list takes no name; type: list");
    return { verb, storage };
  }
  const isFileWanted = verb === "export" || verb === "import";
  if (operand === undefined || rest.length > 0) {
    throw new SettingsError(
      `${verb} takes one ${isFileWanted ? "file" : "name"}; type: ${verb} ${isFileWanted ? "FILE" : "NAME"}`,
    );
  }
  if (isFileWanted) return { verb, file: operand, storage };
  // An older version registered names with invisible characters, and they can still be removed.
  assertName(verb === "remove" ? operand.replace(/\p{Default_Ignorable_Code_Point}/gu, "") : operand);
  return verb === "add" ? { verb, name: operand, role, storage } : { verb, name: operand, storage };
}

const verbs = ["add", "list", "remove", "export", "import"] as const;

function isVerb(word: string | undefined): word is (typeof verbs)[number] {
  return (verbs as readonly (string | undefined)[]).includes(word);
}

/** An invalid name may be a key in the wrong place, so the error does not repeat it. */
function assertName(name: string): void {
  if (isName(name)) return;
  throw new SettingsError(
    `invalid name; type at most ${nameCharactersMax} letters, digits, dots, hyphens and underscores, without a key`,
  );
}
