import type { FastifyRequest } from "fastify";
import { FAULTS, NovaFault } from "./fault.ts";
import { pythonOf } from "./python.ts";

/** As Nova takes them: JSON under its name, under Nova's own, or under none. */
const MEDIA_TYPES: readonly string[] = [
  "",
  "text/plain",
  "application/json",
  "application/vnd.openstack.compute+json",
];

/** The body as it was sent, read; `undefined` where there is none. Throws Nova's faults of one that cannot be read. */
export function bodyOf({ headers, body }: FastifyRequest): unknown {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  if (!MEDIA_TYPES.includes(type.trim().toLowerCase())) throw FAULTS.mediaType();
  if (typeof body !== "string" || body === "") return undefined;
  try {
    return JSON.parse(body);
  } catch {
    throw FAULTS.malformed();
  }
}

/** What a request's object is to hold: each member one of its words, all of them, and nothing else. */
export type Choices = Readonly<Record<string, readonly string[]>>;
export type Chosen<Wanted extends Choices> = { readonly [Name in keyof Wanted]: Wanted[Name][number] };

/** The one member of the body, which is the object that is meant. */
export function wrapped<const Wanted extends Choices>(
  body: unknown,
  name: string,
  choices: Wanted,
): Chosen<Wanted> {
  const outer = requireObject(body, undefined);
  requireMembers(outer, [name], { field: undefined });
  return chosen(outer[name], choices, name);
}

/**
 * Throws Nova's fault, which names the outermost thing that is wrong: its schemas are judged so. `field` is the object's own
 * name, where it is not the body itself.
 */
export function chosen<const Wanted extends Choices>(
  value: unknown,
  choices: Wanted,
  field?: string,
): Chosen<Wanted> {
  const object = requireObject(value, field);
  requireMembers(object, Object.keys(choices), { field });
  for (const [name, words] of Object.entries(choices)) {
    const word = object[name];
    if (typeof word !== "string") throw invalid(name, word, "is not of type 'string'");
    if (!words.includes(word)) throw invalid(name, word, `is not one of ${pythonOf(words)}`);
  }
  return object as Chosen<Wanted>;
}

export function requireObject(value: unknown, field: string | undefined): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(field, value, "is not of type 'object'");
  return value as Readonly<Record<string, unknown>>;
}

/** `required` are those that must be there; by default all that may. */
export function requireMembers(
  object: Readonly<Record<string, unknown>>,
  known: readonly string[],
  { field, required = known }: { readonly field: string | undefined; readonly required?: readonly string[] },
): void {
  const missing = required.find((name) => !Object.hasOwn(object, name));
  if (missing !== undefined) throw said(field, object, `${pythonOf(missing)} is a required property`);
  const others = Object.keys(object).filter((name) => !known.includes(name));
  if (others.length === 0) return;
  const names = pythonOf(others).slice(1, -1);
  const verb = others.length === 1 ? "was" : "were";
  throw said(field, object, `Additional properties are not allowed (${names} ${verb} unexpected)`);
}

/** Of a value that is wrong in itself. */
export function invalid(field: string | undefined, value: unknown, problem: string): NovaFault {
  return said(field, value, `${pythonOf(value)} ${problem}`);
}

/** Nova's validator names the member that is wrong, and of the whole body nothing but what is wrong with it. */
function said(field: string | undefined, value: unknown, message: string): NovaFault {
  const where =
    field === undefined ? "" : `Invalid input for field/attribute ${field}. Value: ${unquoted(value)}. `;
  return new NovaFault(400, `${where}${message}`);
}

/** Text stands there as it is, everything else as Python writes it. */
function unquoted(value: unknown): string {
  const text = pythonOf(value);
  return typeof value === "string" ? text.slice(1, -1) : text;
}
