/** Kinds of settings that several programs need, and schemas that read the text which a user typed. */

import { isIP, isIPv6 } from "node:net";
import * as z from "zod/mini";
import type { Setting } from "./settings.ts";

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): z.ZodMiniType<number> {
  return z.pipe(
    z.string().check(z.regex(/^-?\d{1,15}$/)),
    z.pipe(z.transform(Number), z.int().check(z.minimum(least), z.maximum(most))),
  );
}

/** A TCP port; 0 lets the system choose one. */
export const portNumber: z.ZodMiniType<number> = wholeNumber(0, 65_535);

/** An IPv6 address stands in brackets in URLs, so users type it in brackets elsewhere, too. */
const withoutBrackets = z.transform((text: string) => {
  const [, inside = ""] = /^\[(.+)\]$/.exec(text) ?? [];
  return isIPv6(inside) ? inside : text;
});

/** A word without white space, such as a host name or an address; an IPv6 address without its brackets. */
export const hostName: z.ZodMiniType<string> = z.pipe(z.string().check(z.regex(/^[^\s/]+$/)), withoutBrackets);

/** IP addresses, none of them a name or a network; IPv6 addresses without their brackets. */
export const ipAddresses: z.ZodMiniType<string[]> = z.array(
  z.pipe(z.pipe(z.string(), withoutBrackets), z.string().check(z.refine((text) => isIP(text) > 0))),
);

/** Any text but an empty one. */
export const filledText: z.ZodMiniType<string> = z.string().check(z.minLength(1));

/** The path of a file, or an address with one of some schemes; any other address is a mistake, not a path. */
export function pathOrAddress(...schemes: readonly string[]): z.ZodMiniType<string> {
  return filledText.check(
    z.refine((text) => {
      const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
      return scheme === undefined || schemes.includes(scheme);
    }),
  );
}

/** The schema of a switch. */
export const toggle: z.ZodMiniType<boolean> = z.boolean();

/** An option without a value, whose variable is 1 or 0. */
export function switchOption(env: string, help: string): Setting<boolean> {
  return { schema: toggle, default: false, env, form: "", expects: "it without a value", help };
}

/** An option that names a file. */
export function fileOption(env: string, help: string, expects = "the path of a file"): Setting<string | undefined> {
  return { schema: filledText, default: undefined, env, form: "FILE", expects, help };
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
export function listOption(env: string, form: string, expects: string, help: string): Setting<string[]> {
  return { schema: z.array(filledText), default: [], env, form, expects, help };
}
