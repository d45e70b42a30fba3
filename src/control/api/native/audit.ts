import { Readable } from "node:stream";
import { type Static, Type } from "typebox";
import { AUDIT_ACTION_NAMES, type AuditRow } from "#wire/audit.ts";
import type { AuditFilter } from "../../services.ts";
import { IdPart, PAGE_QUERY, pageOf, problems } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["audit"];

const Time = (description: string) =>
  Type.Optional(Type.String({ format: "date-time", maxLength: 40, description }));

const FILTER = {
  account: Type.Optional(IdPart),
  object: Type.Optional(IdPart),
  action: Type.Optional(Type.Enum([...AUDIT_ACTION_NAMES])),
  from: Time("Rows of this time and later."),
  to: Time("Rows of this time and before."),
} as const;
const FilterQuery = Type.Object(FILTER, { additionalProperties: false });

export function auditRoutes(app: NativeApp, { services: { audit }, callerOf }: NativeDeps): void {
  app.get(
    "/audit",
    {
      schema: {
        operationId: "listAudit",
        summary: "The audit log, the newest first (administrators)",
        tags,
        querystring: Type.Object({ ...FILTER, ...PAGE_QUERY }, { additionalProperties: false }),
        response: { 200: pageOf("AuditRow", { description: "One page of it" }), ...problems() },
      },
    },
    async (request) => {
      const { after, limit, ...query } = request.query;
      return await audit.list(callerOf(request), { ...filterOf(query), after, limit });
    },
  );

  app.get(
    "/audit/export",
    {
      schema: {
        operationId: "exportAudit",
        summary: "All of the audit log as JSON lines, the oldest first (administrators)",
        tags,
        querystring: FilterQuery,
        response: {
          200: {
            description: "One AuditRow a line",
            content: { "application/x-ndjson": { schema: Type.Unsafe<Readable>({ type: "string" }) } },
          },
          ...problems(),
        },
      },
    },
    async (request, reply) => {
      const pieces = await audit.export(callerOf(request), filterOf(request.query));
      // One piece is read ahead of a reader who is slow, and no more.
      const body = Readable.from(lines(pieces), { highWaterMark: 1 });
      return await reply.type("application/x-ndjson; charset=utf-8").send(body);
    },
  );
}

async function* lines(pieces: AsyncIterable<readonly AuditRow[]>): AsyncGenerator<string> {
  for await (const rows of pieces) yield rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

function filterOf({ account, from, to, ...same }: Static<typeof FilterQuery>): AuditFilter {
  return { ...same, accountId: account, from: milliseconds(from), to: milliseconds(to) };
}

function milliseconds(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}
