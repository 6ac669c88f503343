/** Numbers as people give them to verbs. */
import { Failure } from "../../shared/ports/failure.ts";

/** A whole number between two others. Fails with `argument-invalid`. */
export function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Failure("argument-invalid", `${name} is a whole number from ${least} to ${most}`, {
    origin: "local",
    remedy: "See the verb's --help.",
    context: { given: text.slice(0, 40) },
  });
}
