import { Type } from "typebox";
import { NewJoinToken, SettingValue } from "#wire/api.ts";
import { IdParams, IdPart, listOf, nothing, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["installation"];

/** What the installation is made of: its settings and its console nodes. */
export function installationRoutes(
  app: NativeApp,
  { services: { settings, nodes }, callerOf }: NativeDeps,
): void {
  app.get(
    "/settings",
    {
      schema: {
        operationId: "listSettings",
        summary: "All settings of the installation (administrators)",
        tags,
        response: { 200: listOf("Setting", { description: "All of them" }), ...problems() },
      },
    },
    async (request) => ({ items: await settings.list(callerOf(request)) }),
  );

  app.put(
    "/settings/:name",
    {
      schema: {
        operationId: "setSetting",
        summary: "Change a setting (administrators); it takes effect at once",
        tags,
        params: Type.Object({ name: IdPart }),
        body: SettingValue,
        response: {
          200: ref("Setting", { description: "The setting, as it is now" }),
          ...problems("not_found", "conflict", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request) => {
      const { value, was } = request.body;
      return await settings.set(callerOf(request), request.params.name, value, was);
    },
  );

  app.get(
    "/nodes",
    {
      schema: {
        operationId: "listNodes",
        summary: "The console nodes (administrators)",
        tags,
        response: { 200: listOf("Node", { description: "All of them" }), ...problems() },
      },
    },
    async (request) => ({ items: await nodes.list(callerOf(request)) }),
  );

  app.get(
    "/node-authority",
    {
      schema: {
        operationId: "getNodeAuthority",
        summary: "The CA of the node link, which is no secret (administrators)",
        tags,
        response: { 200: ref("NodeAuthority", { description: "Its certificate" }), ...problems() },
      },
    },
    async (request) => await nodes.authority(callerOf(request)),
  );

  app.post(
    "/nodes/:id/revoke",
    {
      schema: {
        operationId: "revokeNode",
        summary: "Refuse a node's certificate from now on, and give up its sessions (administrators)",
        tags,
        params: IdParams,
        response: { 200: ref("Node", { description: "The node, revoked" }), ...problems("not_found") },
      },
    },
    async (request) => await nodes.revoke(callerOf(request), request.params.id),
  );

  app.delete(
    "/nodes/:id",
    {
      schema: {
        operationId: "removeNode",
        summary: "Forget a node that is down or revoked (administrators)",
        tags,
        params: IdParams,
        response: { 204: nothing({ description: "It is forgotten" }), ...problems("not_found", "conflict") },
      },
    },
    async (request, reply) => {
      await nodes.remove(callerOf(request), request.params.id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/join-tokens",
    {
      schema: {
        operationId: "addJoinToken",
        summary: "Make a token with which new console nodes may join (administrators)",
        tags,
        body: NewJoinToken,
        response: {
          201: ref("JoinToken", { description: "The token; it is shown this once" }),
          ...problems("body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await nodes.addJoinToken(callerOf(request), request.body);
    },
  );
}
