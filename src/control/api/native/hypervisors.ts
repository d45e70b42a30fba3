import { HypervisorChange, NewHypervisor } from "#wire/hypervisors.ts";
import { IdParams, listOf, nothing, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["hypervisors"];

/** Platforms that are asked for their machines. */
export function hypervisorRoutes(
  app: NativeApp,
  { services: { hypervisors }, callerOf }: Pick<NativeDeps, "services" | "callerOf">,
): void {
  app.get(
    "/hypervisors",
    {
      schema: {
        operationId: "listHypervisors",
        summary: "The hypervisors that control knows, without their credentials (administrators)",
        tags,
        response: { 200: listOf("Hypervisor", { description: "All of them, by name" }), ...problems() },
      },
    },
    async (request) => ({ items: await hypervisors.list(callerOf(request)) }),
  );

  app.post(
    "/hypervisors",
    {
      schema: {
        operationId: "addHypervisor",
        summary: "Have control know a hypervisor; its credentials are kept encrypted (administrators)",
        tags,
        body: NewHypervisor,
        response: {
          201: ref("Hypervisor", { description: "The new hypervisor" }),
          ...problems("conflict", "not_found", "limit_reached", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await hypervisors.add(callerOf(request), request.body);
    },
  );

  app.patch(
    "/hypervisors/:id",
    {
      schema: {
        operationId: "updateHypervisor",
        summary:
          "Change how a hypervisor is reached, and into which projects its machines come (administrators)",
        description:
          "What is absent stays. Its machines stay what they are, and open consoles go on: another address or other credentials are used from then on. Where another hypervisor answers there, which has none of the machines on record, nothing of it is taken in. By new rules those machines are judged that wait.",
        tags,
        params: IdParams,
        body: HypervisorChange,
        response: {
          200: ref("Hypervisor", { description: "The hypervisor, as it is now" }),
          ...problems("conflict", "not_found", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request) => await hypervisors.update(callerOf(request), request.params.id, request.body),
  );

  app.post(
    "/hypervisors/:id/test",
    {
      schema: {
        operationId: "testHypervisor",
        summary: "Go the whole way to a hypervisor, and say at which step it failed (administrators)",
        tags,
        params: IdParams,
        response: {
          200: ref("HypervisorTest", { description: "How it went; a way that failed is an answer, too" }),
          ...problems("not_found"),
        },
      },
    },
    async (request) => await hypervisors.test(callerOf(request), request.params.id),
  );

  app.delete(
    "/hypervisors/:id",
    {
      schema: {
        operationId: "removeHypervisor",
        summary: "Forget a hypervisor, its credentials and its machines, whose consoles end (administrators)",
        tags,
        params: IdParams,
        response: { 204: nothing({ description: "It is forgotten" }), ...problems("not_found") },
      },
    },
    async (request, reply) => {
      await hypervisors.remove(callerOf(request), request.params.id);
      return reply.code(204).send(null);
    },
  );
}
