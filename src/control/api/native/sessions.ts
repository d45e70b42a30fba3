import { Type } from "typebox";
import { SESSION_STATES } from "#wire/api.ts";
import { IdParams, IdPart, PAGE_QUERY, pageOf, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["sessions"];

const SessionQuery = Type.Object(
  {
    ...PAGE_QUERY,
    state: Type.Optional(Type.Enum([...SESSION_STATES])),
    machineId: Type.Optional(IdPart),
  },
  { additionalProperties: false },
);

export function sessionRoutes(app: NativeApp, { services: { sessions }, callerOf }: NativeDeps): void {
  app.get(
    "/sessions",
    {
      schema: {
        operationId: "listSessions",
        summary: "Consoles that are or were open, the newest first",
        tags,
        querystring: SessionQuery,
        response: { 200: pageOf("Session", { description: "One page of them" }), ...problems() },
      },
    },
    async (request) => await sessions.list(callerOf(request), request.query),
  );

  app.get(
    "/sessions/:id",
    {
      schema: {
        operationId: "getSession",
        summary: "One session",
        tags,
        params: IdParams,
        response: { 200: ref("Session", { description: "The session" }), ...problems("not_found") },
      },
    },
    async (request) => await sessions.get(callerOf(request), request.params.id),
  );

  app.post(
    "/sessions/:id/end",
    {
      schema: {
        operationId: "endSession",
        summary: "End a console, wherever it is open: administrators any, members their own",
        tags,
        params: IdParams,
        response: {
          200: ref("Session", { description: "The session: closing until its node has ended it, or ended" }),
          ...problems("not_found"),
        },
      },
    },
    async (request) => await sessions.end(callerOf(request), request.params.id),
  );
}
