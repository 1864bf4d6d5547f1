export { openOutputFile } from "./output-file.ts";
export type { OutputKind } from "./output-file.ts";
export { filledText, hostName, ipAddresses, oneOf, pathOrAddress, portNumber, toggle, wholeNumber } from "./schemas.ts";
export { describeSettings, findFirstWord, readSettings, SettingsError, withoutUserinfo } from "./settings.ts";
export type { Invocation, Setting, SettingsOf, SettingsSource, SettingsTable } from "./settings.ts";
