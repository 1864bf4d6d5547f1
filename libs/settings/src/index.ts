export { localTime, utcOption } from "./local-time.ts";
export { openOutputFile, readSmallFile } from "./files.ts";
export type { OutputKind } from "./files.ts";
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
export {
  describeSettings,
  findFirstWord,
  readSettings,
  selectOptions,
  SettingsError,
  withoutUserinfo,
} from "./settings.ts";
export type { Invocation, Setting, SettingsOf, SettingsSource, SettingsTable } from "./settings.ts";
