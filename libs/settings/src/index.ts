export * from "./files.ts";
export { localTime } from "./local-time.ts";
export * from "./options.ts";
export * from "./settings.ts";
