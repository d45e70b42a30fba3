import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/schema";
import { HypervisorError } from "../hypervisor-error.ts";

const limits = {
  /** Of an error's words, which end in a log and before an administrator. */
  wordCharacters: 200,
} as const;

const Failure = Type.Object({
  /** What XAPI calls an error: HOST_IS_SLAVE, SESSION_INVALID. */
  message: Type.String({ pattern: "^[A-Z][A-Z0-9_.]{0,127}$" }),
  data: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 64 })),
});
const Answer = Compile(
  Type.Union([
    Type.Object({ jsonrpc: Type.Literal("2.0"), error: Failure }),
    Type.Object({ jsonrpc: Type.Literal("2.0"), result: Type.Unknown() }),
  ]),
);

/** XAPI refused a call. What it says beside the code has session references in it, so that is for whoever knows which. */
export class XapiError extends Error {
  override readonly name = "XapiError";
  readonly code: string;
  readonly data: readonly unknown[];

  constructor(code: string, data: readonly unknown[]) {
    super(code);
    this.code = code;
    this.data = data;
  }
}

/** A call as it is asked: JSON-RPC 2.0, with parameters in their order. */
export function writeCall(method: string, params: readonly unknown[]): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 0, method, params });
}

/** The result of a call. Throws an XapiError where XAPI refused it, and a HypervisorError for what is no answer. */
export function readAnswer(body: Uint8Array): unknown {
  const answer = parse(body);
  if (!Answer.Check(answer)) throw new HypervisorError("answer", "it does not answer as XAPI does");
  if ("error" in answer) throw new XapiError(answer.error.message, answer.error.data ?? []);
  return answer.result;
}

/** A schema that is checked, with the name of what it is for. */
export type Reader<Schema extends TSchema> = (value: unknown) => Static<Schema>;

/** Checks results, of which nothing is taken unchecked. What is read throws a HypervisorError, which says what is amiss and not what was said. */
export function reader<Schema extends TSchema>(name: string, schema: Schema): Reader<Schema> {
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return value as Static<Schema>;
    const [, [first]] = compiled.Errors(value);
    const where = `${first?.instancePath ?? ""} ${first?.message ?? ""}`
      .replace(/OpaqueRef:?[^/]*/g, "…")
      .slice(0, limits.wordCharacters);
    throw new HypervisorError("answer", `its ${name} is not as XAPI has it: ${where}`);
  };
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new HypervisorError("answer", "it answers with what is no JSON", { cause: nameOf(cause) });
  }
}

/** Words of a parser quote what it was given, and that may be a session. */
function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : "an error";
}
