export { filledText, hostName, ipAddresses, oneOf, pathOrAddress, portNumber, toggle, wholeNumber } from "./schemas.ts";
export { describeSettings, readSettings, SettingsError, withoutUserinfo } from "./settings.ts";
export type { Setting, SettingsOf, SettingsSource, SettingsTable } from "./settings.ts";
