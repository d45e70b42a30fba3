import type { FastifySchemaValidationError } from "fastify";

/** What the validator found, with the schema that was not kept (ajv's `verbose`). */
type Finding = FastifySchemaValidationError & { readonly parentSchema?: { readonly description?: string } };

/**
 * What is wrong with a request, for the person who wrote it: where, then what may stand there. A schema with a pattern
 * says in its description what the pattern means, because nobody reads regular expressions at three in the morning.
 */
export function invalidRequest(findings: readonly Finding[], part: string): Error {
  const [finding] = findings;
  if (finding === undefined) return new Error(`${part}: is not valid`);
  const { field, words } = explained(finding);
  const path = [...finding.instancePath.split("/").slice(1), ...(field === undefined ? [] : [field])];
  return new Error(`${path.length === 0 ? part : path.join(".")}: ${words}`);
}

interface Explained {
  /** The member that it is about, where that is not the thing itself. */
  readonly field?: string;
  readonly words: string;
}

function explained({ keyword, params, message, parentSchema }: Finding): Explained {
  const { missingProperty, additionalProperty, allowedValues, limit, type } = params;
  switch (keyword) {
    case "required":
      return { field: String(missingProperty), words: "is missing" };
    case "additionalProperties":
      return { field: String(additionalProperty), words: "is not known here" };
    case "enum":
      return { words: `must be one of ${[allowedValues].flat().join(", ")}` };
    case "type":
      return { words: `must be ${[type].flat().map(typeName).join(" or ")}` };
    case "minimum":
      return { words: `must be at least ${limit}` };
    case "maximum":
      return { words: `must be at most ${limit}` };
    case "minLength":
      return { words: limit === 1 ? "must not be empty" : `must have at least ${limit} characters` };
    case "maxLength":
      return { words: `must have at most ${limit} characters` };
    case "pattern":
      return { words: `must be ${parentSchema?.description ?? "written otherwise"}` };
    default:
      return { words: message ?? "is not valid" };
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  object: "an object",
  string: "a string",
};

function typeName(type: unknown): string {
  return TYPE_NAMES[String(type)] ?? String(type);
}
