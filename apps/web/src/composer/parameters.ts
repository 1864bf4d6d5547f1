import { findOperation } from "@wirebook/protocol";
import type { Announcement, Parameter } from "@wirebook/protocol";

/** What to ask for: as announced, or, where a server announces no parameters, the ones without which it cannot work. */
export function parametersOf({ number, parameters }: Announcement): readonly Parameter[] {
  if (parameters.length > 0) return parameters;
  return findOperation(number)?.parameters.filter(({ isOptional }) => !isOptional) ?? [];
}
