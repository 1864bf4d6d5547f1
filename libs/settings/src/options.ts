/** Kinds of values that several programs read, and the rows of a table of settings. */

import { isIP, isIPv6 } from "node:net";
import * as z from "zod/mini";
import type { Setting } from "./settings.ts";

/** What a value is: how its text is read, what stands for it in the help, and what to type in place of a wrong one. */
export type Kind<Value> = Pick<Setting<Value>, "schema" | "form" | "expects">;

/** Any text but an empty one. */
export const filledText: z.ZodMiniType<string> = z.string().check(z.minLength(1));

/** What a function makes of a text; `undefined` says that it is wrong. */
export function readBy<Value>(read: (text: string) => Value | undefined): z.ZodMiniType<Value> {
  const readOrRefuse = (input: string, { issues }: z.core.ParsePayload): Value => {
    const value = read(input);
    if (value === undefined) issues.push({ code: "custom", input });
    return value as Value;
  };
  return z.pipe(z.string(), z.transform(readOrRefuse));
}

/** A text for which that holds. */
export function textThat(isRight: (text: string) => boolean): z.ZodMiniType<string> {
  return readBy((text) => (isRight(text) ? text : undefined));
}

/** A value that is shown by an example. */
export function like<Value>(form: string, example: string, schema: z.ZodMiniType<Value>): Kind<Value> {
  return { schema, form, expects: `${form}, such as ${example}` };
}

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number, form: string, what = "a number"): Kind<number> {
  const schema = readBy((text) => {
    const number = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN;
    return number >= least && number <= most ? number : undefined;
  });
  return { schema, form, expects: `${what} from ${least} to ${most}` };
}

/** An IPv6 address stands in brackets in URLs, so users type it in brackets elsewhere, too. */
function withoutBrackets(text: string): string {
  const [, inside = ""] = /^\[(.+)\]$/.exec(text) ?? [];
  return isIPv6(inside) ? inside : text;
}

/** A host name or an address; an IPv6 address without its brackets. */
export const hostName: Kind<string> = like(
  "HOST",
  "localhost or 127.0.0.1",
  readBy((text) => (/^[^\s/]+$/.test(text) ? withoutBrackets(text) : undefined)),
);

/** An IP address, no name or network; an IPv6 address without its brackets. */
export const ipAddress: Kind<string> = like(
  "ADDRESS",
  "192.0.2.7",
  readBy((text) => (isIP(withoutBrackets(text)) > 0 ? withoutBrackets(text) : undefined)),
);

/** A TCP port to connect to. */
export const portNumber: Kind<number> = wholeNumber(1, 65_535, "PORT", "a port");

/** A TCP port to listen on; 0 takes any that is free. */
export const listenPort: Kind<number> = wholeNumber(0, 65_535, "PORT", "a port");

/** The path of a file, or an address with one of some schemes; any other address is a mistake, not a path. */
export function pathOrAddress(...schemes: readonly string[]): z.ZodMiniType<string> {
  return textThat((text) => {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
    return text !== "" && (scheme === undefined || schemes.includes(scheme));
  });
}

/** An option with a default. */
export function valueOption<Value>(kind: Kind<Value>, env: string, value: Value, help: string): Setting<Value> {
  return { ...kind, default: value, env, help };
}

/** An option that may be missing. */
export function optionalOption<Value>(kind: Kind<Value>, env: string, help: string): Setting<Value | undefined> {
  return { ...kind, default: undefined, env, help };
}

/** An option without a value, whose variable is 1 or 0. */
export function switchOption(env: string, help: string): Setting<boolean> {
  return { schema: z.boolean(), default: false, env, form: "", expects: "it without a value", help };
}

/** An option that names a file. */
export function fileOption(env: string, help: string, expects = "the path of a file"): Setting<string | undefined> {
  return optionalOption({ schema: filledText, form: "FILE", expects }, env, help);
}

/** One of some words. */
export function choiceOption<const Word extends string>(
  words: readonly Word[],
  texts: Pick<Setting<Word>, "default" | "env" | "form" | "help">,
): Setting<Word> {
  const expects = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  return { schema: z.enum(words), expects, ...texts };
}

/** An option that may be given several times. */
export function listOption<Value>(kind: Kind<Value>, env: string, help: string): Setting<readonly Value[]> {
  return { ...kind, schema: z.array(kind.schema), default: [], env, help: `${help}; may be repeated` };
}
