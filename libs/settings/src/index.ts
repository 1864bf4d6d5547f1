export { localTime, utcOption } from "./local-time.ts";
export { checkOutputFile, openOutputFile } from "./output-file.ts";
export type { OutputKind } from "./output-file.ts";
export {
  filledText,
  hostName,
  ipAddresses,
  oneOf,
  pathOrAddress,
  portNumber,
  portOrNone,
  toggle,
  wholeNumber,
} from "./schemas.ts";
export { describeSettings, findFirstWord, readSettings, selectOptions, withoutUserinfo } from "./settings.ts";
export { SettingsError } from "./settings-error.ts";
export { readSmallFile } from "./small-file.ts";
export type { Invocation, Setting, SettingsOf, SettingsSource, SettingsTable } from "./settings.ts";
