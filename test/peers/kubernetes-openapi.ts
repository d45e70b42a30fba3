import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Schema, { type XSchema } from "typebox/schema";
import { lacking } from "../harness/requirements.ts";

/** For `test(…, { skip })`. */
export const lackingKubernetesOpenApi = lacking("kubernetes-openapi");

/** Kubernetes 1.14, the newest that Debian packages with all of its paths; apps/v1 and core/v1 are stable since before it. */
const FILE = fileURLToPath(
  new URL(
    "../../.cache/kubernetes-openapi/usr/share/gocode/src/k8s.io/kube-openapi/test/integration/testdata/aggregator/openapi-1.json",
    import.meta.url,
  ),
);

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "body" | "header";
  readonly schema?: XSchema;
}

interface Operation {
  readonly consumes?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly schema?: XSchema }>>;
}

interface PathItem {
  readonly parameters?: readonly Parameter[];
  readonly get?: Operation;
  readonly put?: Operation;
  readonly post?: Operation;
}

interface Document {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly definitions: Readonly<Record<string, object>>;
}

export interface Request {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly contentType: string | undefined;
  readonly body: unknown;
}

/** What the document says of one request, if it knows it. */
export interface Judgement {
  /** The path with its parameters' names in it. */
  readonly path: string;
  /** What is wrong with the request: empty where nothing is. */
  readonly problems: readonly string[];
  /** What is wrong with an answer, of the double itself. */
  answerProblems(status: number, body: unknown): readonly string[];
}

/** Judges requests and answers by Kubernetes' OpenAPI document. Fields that it does not know are wrong too. */
export function openApiJudge(): (request: Request) => Judgement | undefined {
  assert.ok(existsSync(FILE), `${FILE} is missing`);
  const document: Document = JSON.parse(readFileSync(FILE, "utf8"));
  const definitions = strict(document.definitions);
  const problemsOf = (schema: XSchema, value: unknown, what: string): string[] => {
    const [isValid, errors] = Schema.Errors({ allOf: [schema], definitions } as XSchema, value);
    return isValid ? [] : errors.map((error) => `${what}${error.instancePath} ${error.message}`);
  };

  return ({ method, url, contentType, body }) => {
    const { pathname, searchParams } = new URL(url, "https://cluster");
    const found = Object.entries(document.paths).find(([template]) => matches(template, pathname));
    const operation = found?.[1][method.toLowerCase() as "get" | "put" | "post"];
    if (found === undefined || operation === undefined) return undefined;
    const parameters = [...(found[1].parameters ?? []), ...(operation.parameters ?? [])];
    const queries = new Set(parameters.filter((each) => each.in === "query").map(({ name }) => name));
    const unknown = [...searchParams.keys()].filter((name) => !queries.has(name));
    const bodySchema = parameters.find((each) => each.in === "body")?.schema;
    const isJson = contentType === "application/json";
    return {
      path: found[0],
      problems: [
        ...unknown.map((name) => `there is no parameter ${name}`),
        ...(bodySchema !== undefined && !isJson ? [`the content type is ${contentType}`] : []),
        ...(bodySchema === undefined && body !== undefined ? ["there is a body"] : []),
        ...(bodySchema === undefined ? [] : problemsOf(bodySchema, body, "body")),
      ],
      answerProblems(status, answer) {
        const response = operation.responses[String(status)];
        if (response === undefined) return [`${method} ${found[0]} has no answer ${status}`];
        return response.schema === undefined ? [] : problemsOf(response.schema, answer, "answer");
      },
    };
  };
}

function matches(template: string, pathname: string): boolean {
  const [wanted, given] = [template.split("/"), pathname.split("/")];
  if (wanted.length !== given.length) return false;
  return wanted.every((part, index) => (part.startsWith("{") ? given[index] !== "" : part === given[index]));
}

/** OpenAPI allows what it does not name; whoever misspells a field is to be told. */
function strict<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(strict) as Value;
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, strict(each)]));
  const isClosed = typeof copy["properties"] === "object" && copy["additionalProperties"] === undefined;
  return (isClosed ? { ...copy, additionalProperties: false } : copy) as Value;
}
