export { filledText, hostName, ipAddresses, oneOf, portNumber, toggle, wholeNumber } from "./schemas.ts";
export { describeSettings, readSettings, SettingsError } from "./settings.ts";
export type { Setting, SettingsOf, SettingsSource, SettingsTable } from "./settings.ts";
