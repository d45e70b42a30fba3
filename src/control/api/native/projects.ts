import { Type } from "typebox";
import { NewProject } from "#wire/api.ts";
import { IdParams, nothing, PAGE_QUERY, pageOf, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["projects"];

export function projectRoutes(app: NativeApp, { services: { projects }, callerOf }: NativeDeps): void {
  app.get(
    "/projects",
    {
      schema: {
        operationId: "listProjects",
        summary: "The projects that the caller may see",
        tags,
        querystring: Type.Object(PAGE_QUERY, { additionalProperties: false }),
        response: { 200: pageOf("Project", { description: "One page of them" }), ...problems() },
      },
    },
    async (request) => await projects.list(callerOf(request), request.query),
  );

  app.post(
    "/projects",
    {
      schema: {
        operationId: "addProject",
        summary: "Make a project (administrators)",
        tags,
        body: NewProject,
        response: {
          201: ref("Project", { description: "The new project" }),
          ...problems("conflict", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await projects.add(callerOf(request), request.body);
    },
  );

  app.delete(
    "/projects/:id",
    {
      schema: {
        operationId: "removeProject",
        summary: "Remove a project that has no machines (administrators)",
        tags,
        params: IdParams,
        response: { 204: nothing({ description: "It is removed" }), ...problems("not_found", "conflict") },
      },
    },
    async (request, reply) => {
      await projects.remove(callerOf(request), request.params.id);
      reply.code(204);
      return null;
    },
  );
}
