import { AcmeChange } from "#wire/acme.ts";
import { nothing, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["installation"];

/** Certificates that come from an authority by themselves. Keys come in here, and never go out. */
export function acmeRoutes(
  app: NativeApp,
  { services: { acme }, callerOf }: Pick<NativeDeps, "services" | "callerOf">,
): void {
  app.get(
    "/acme",
    {
      schema: {
        operationId: "getAcme",
        summary:
          "Whether certificates come from an authority by themselves, and how that goes (administrators)",
        tags,
        response: { 200: ref("Acme", { description: "How it stands" }), ...problems() },
      },
    },
    async (request) => await acme.show(callerOf(request)),
  );

  app.patch(
    "/acme",
    {
      schema: {
        operationId: "configureAcme",
        summary: "Have certificates come from an authority by themselves, or change how (administrators)",
        tags,
        body: AcmeChange,
        response: {
          200: ref("Acme", { description: "How it stands; an order begins soon" }),
          ...problems("conflict", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request) => await acme.configure(callerOf(request), request.body),
  );

  app.post(
    "/acme/renew",
    {
      schema: {
        operationId: "renewAcme",
        summary: "Have a new certificate ordered at once, though there is one (administrators)",
        tags,
        response: { 202: ref("Acme", { description: "How it stands" }), ...problems("conflict") },
      },
    },
    async (request, reply) => {
      reply.code(202);
      return await acme.renew(callerOf(request));
    },
  );

  app.delete(
    "/acme",
    {
      schema: {
        operationId: "disableAcme",
        summary: "Have no more certificates come; the one that was issued stays in use (administrators)",
        tags,
        response: { 204: nothing({ description: "It is off" }), ...problems("not_found") },
      },
    },
    async (request, reply) => {
      await acme.disable(callerOf(request));
      return reply.code(204).send(null);
    },
  );
}
