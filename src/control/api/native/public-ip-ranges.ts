import { NewPublicIpRange } from "#wire/public-ip-ranges.ts";
import { IdParams, listOf, nothing, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["installation"];

/** Public addresses that pools have to give to nodes. */
export function publicIpRangeRoutes(
  app: NativeApp,
  { services: { publicIpRanges }, callerOf }: Pick<NativeDeps, "services" | "callerOf">,
): void {
  app.get(
    "/public-ip-ranges",
    {
      schema: {
        operationId: "listPublicIpRanges",
        summary: "The public addresses that pools have to give to nodes without one (administrators)",
        tags,
        response: { 200: listOf("PublicIpRange", { description: "All of them" }), ...problems() },
      },
    },
    async (request) => ({ items: await publicIpRanges.list(callerOf(request)) }),
  );

  app.post(
    "/public-ip-ranges",
    {
      schema: {
        operationId: "addPublicIpRange",
        summary: "Give a pool a range of public addresses (administrators)",
        tags,
        body: NewPublicIpRange,
        response: {
          201: ref("PublicIpRange", { description: "The new range" }),
          ...problems("conflict", "limit_reached", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await publicIpRanges.add(callerOf(request), request.body);
    },
  );

  app.delete(
    "/public-ip-ranges/:id",
    {
      schema: {
        operationId: "removePublicIpRange",
        summary: "Take a range of public addresses from its pool, of which no node has one (administrators)",
        tags,
        params: IdParams,
        response: { 204: nothing({ description: "It is gone" }), ...problems("not_found", "conflict") },
      },
    },
    async (request, reply) => {
      await publicIpRanges.remove(callerOf(request), request.params.id);
      return reply.code(204).send(null);
    },
  );
}
