import type { FastifyRequest } from "fastify";

/** One parameter of a request, under the very spelling that its client signed. */
interface Parameter {
  readonly name: string;
  readonly value: string;
}

/**
 * A request's parameters by their names in lower case, as CloudStack matches them.
 *
 * INVARIANT: each name stands here once. What the signature is checked over and what a command reads is this one
 * value, so a doubled parameter can never be verified in one form and used in another.
 */
export type Parameters = ReadonlyMap<string, Parameter>;

/**
 * Reads query and form body together. Of a doubled parameter the last wins, and the query comes after the body,
 * as in CloudStack.
 */
export function readParameters(query: URLSearchParams, body: URLSearchParams): Parameters {
  const parameters = new Map<string, Parameter>();
  for (const [name, value] of [...body, ...query]) parameters.set(name.toLowerCase(), { name, value });
  return parameters;
}

/** A parameter's value; an empty one is as good as none. */
export function textOf(parameters: Parameters, name: string): string | undefined {
  const value = parameters.get(name)?.value;
  return value === "" ? undefined : value;
}

/** Under which the form's text stands in the parsed body; it is read together with the query. */
export const FORM = "form";

/** Of a request, wherever they stand. */
export function parametersOf(request: FastifyRequest): Parameters {
  const [, query = ""] = /\?(.*)$/.exec(request.raw.url ?? "") ?? [];
  return readParameters(new URLSearchParams(query), formText(request));
}

/** Of a request's form alone. */
export function formOf(request: FastifyRequest): Parameters {
  return readParameters(new URLSearchParams(), formText(request));
}

function formText(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams((request.body as { readonly [FORM]?: string } | null | undefined)?.[FORM] ?? "");
}
