import { Type } from "typebox";
import { MachineAssignment } from "#wire/hypervisors.ts";
import { IdParams, MACHINE_KEYWORD, PAGE_QUERY, pageOf, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["machines"];

const WaitingQuery = Type.Object(
  { ...PAGE_QUERY, keyword: MACHINE_KEYWORD },
  { additionalProperties: false },
);

/** Machines of hypervisors that no project has yet, and how machines get to theirs. */
export function waitingMachineRoutes(
  app: NativeApp,
  { services: { machines }, callerOf }: Pick<NativeDeps, "services" | "callerOf">,
): void {
  app.get(
    "/waiting-machines",
    {
      schema: {
        operationId: "listWaitingMachines",
        summary: "The machines of hypervisors that wait for a project (administrators)",
        tags,
        querystring: WaitingQuery,
        response: { 200: pageOf("WaitingMachine", { description: "One page of them" }), ...problems() },
      },
    },
    async (request) => await machines.waiting(callerOf(request), request.query),
  );

  app.put(
    "/machines/:id/project",
    {
      schema: {
        operationId: "assignMachine",
        summary: "Put a machine, or one that waits, into a project (administrators)",
        description: "Consoles that were opened while it was another project's end. No rule moves it again.",
        tags,
        params: IdParams,
        body: MachineAssignment,
        response: {
          200: ref("Machine", { description: "The machine, as it is now" }),
          ...problems("not_found", "conflict", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request) => await machines.assign(callerOf(request), request.params.id, request.body.project),
  );
}
