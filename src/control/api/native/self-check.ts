import { SelfCheckRequest } from "#wire/self-check.ts";
import { problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["installation"];

/** The self-check, as far as control's side can do it. */
export function selfCheckRoutes(
  app: NativeApp,
  { services: { selfChecks }, callerOf }: Pick<NativeDeps, "services" | "callerOf">,
): void {
  app.post(
    "/self-check/control",
    {
      schema: {
        operationId: "checkFromControl",
        summary:
          "Look from control at what consoles need: database, names, nodes, certificates (administrators)",
        tags,
        body: SelfCheckRequest,
        response: {
          200: ref("SelfCheck", { description: "What was found" }),
          ...problems("not_found", "rate_limited", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request) => await selfChecks.control(callerOf(request), request.body),
  );

  app.post(
    "/self-check/nodes",
    {
      schema: {
        operationId: "checkFromNodes",
        summary:
          "Have nodes look at their own entrances and at hypervisors, and wait some seconds for them (administrators)",
        tags,
        body: SelfCheckRequest,
        response: {
          200: ref("SelfCheck", { description: "What was found" }),
          ...problems("not_found", "rate_limited", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request) => await selfChecks.nodes(callerOf(request), request.body),
  );
}
