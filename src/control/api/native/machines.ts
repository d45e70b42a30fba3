import { Type } from "typebox";
import { type Console, ConsoleRequest, MachineChange, NewMachine } from "#wire/api.ts";
import { PowerOrder } from "#wire/machine-origin.ts";
import type { IssuedConsole } from "../../services.ts";
import { IdParams, MACHINE_KEYWORD, nothing, PAGE_QUERY, pageOf, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["machines"];

const MachineQuery = Type.Object(
  {
    ...PAGE_QUERY,
    name: Type.Optional(Type.String({ maxLength: 128, description: "Machines of exactly this name." })),
    keyword: MACHINE_KEYWORD,
  },
  { additionalProperties: false },
);

export function machineRoutes(
  app: NativeApp,
  { services: { machines, consoles }, callerOf }: NativeDeps,
): void {
  app.get(
    "/machines",
    {
      schema: {
        operationId: "listMachines",
        summary: "The machines that the caller may see",
        tags,
        querystring: MachineQuery,
        response: { 200: pageOf("Machine", { description: "One page of them" }), ...problems() },
      },
    },
    async (request) => await machines.list(callerOf(request), request.query),
  );

  app.post(
    "/machines",
    {
      schema: {
        operationId: "addMachine",
        summary: "Register a machine (administrators)",
        tags,
        body: NewMachine,
        response: {
          201: ref("Machine", { description: "The machine, as it is registered" }),
          ...problems("conflict", "not_found", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await machines.add(callerOf(request), request.body);
    },
  );

  app.get(
    "/machines/:id",
    {
      schema: {
        operationId: "getMachine",
        summary: "One machine",
        tags,
        params: IdParams,
        response: { 200: ref("Machine", { description: "The machine" }), ...problems("not_found") },
      },
    },
    async (request) => await machines.get(callerOf(request), request.params.id),
  );

  app.patch(
    "/machines/:id",
    {
      schema: {
        operationId: "updateMachine",
        summary: "Change a machine (administrators); what is left out stays as it is",
        tags,
        params: IdParams,
        body: MachineChange,
        response: {
          200: ref("Machine", { description: "The machine, as it is now" }),
          ...problems("not_found", "conflict", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request) => await machines.update(callerOf(request), request.params.id, request.body),
  );

  app.delete(
    "/machines/:id",
    {
      schema: {
        operationId: "removeMachine",
        summary: "Forget a machine (administrators); the machine itself is not touched",
        tags,
        params: IdParams,
        response: { 204: nothing({ description: "It is forgotten" }), ...problems("not_found") },
      },
    },
    async (request, reply) => {
      await machines.remove(callerOf(request), request.params.id);
      reply.code(204);
      return null;
    },
  );

  app.post(
    "/machines/:id/power",
    {
      schema: {
        operationId: "powerMachine",
        summary: "Have a machine's hypervisor start or stop it; its state follows when that is done",
        tags,
        params: IdParams,
        body: PowerOrder,
        response: {
          202: ref("Machine", {
            description: "The hypervisor took the order; the machine, as it is known now",
          }),
          ...problems(
            "not_found",
            "machine_gone",
            "no_hypervisor",
            "power_unfit",
            "hypervisor_read_only",
            "hypervisor_refused",
            "hypervisor_unreachable",
            "upstream_timeout",
            "body_too_large",
            "media_type_unsupported",
          ),
        },
      },
    },
    async (request, reply) => {
      reply.code(202);
      return await machines.power(callerOf(request), request.params.id, request.body.action);
    },
  );

  app.get(
    "/machines/:id/screenshot",
    {
      schema: {
        operationId: "getScreenshot",
        summary: "What a machine shows, as its hypervisor sees it; two seconds old at most",
        tags,
        params: IdParams,
        response: {
          200: {
            description:
              "The screen, as the content type says: a PNG, or a JPEG where the platform makes no other",
            content: {
              "image/png": { schema: Type.Unsafe<Buffer>({ type: "string" }) },
              "image/jpeg": { schema: Type.Unsafe<Buffer>({ type: "string" }) },
            },
          },
          ...problems(
            "not_found",
            "machine_gone",
            "machine_not_running",
            "no_hypervisor",
            "hypervisor_refused",
            "hypervisor_unreachable",
            "upstream_timeout",
          ),
        },
      },
    },
    async (request, reply) => {
      const { mediaType, bytes } = await machines.screenshot(callerOf(request), request.params.id);
      return await reply.type(mediaType).send(Buffer.from(bytes));
    },
  );

  app.post(
    "/machines/:id/consoles",
    {
      schema: {
        operationId: "openConsole",
        summary: "Ask for a console of a machine: a link that works once, for a short time",
        tags,
        params: IdParams,
        body: ConsoleRequest,
        response: {
          201: ref("Console", { description: "Where the console is" }),
          ...problems(
            "not_found",
            "machine_not_running",
            "console_unavailable",
            "machine_busy",
            "extra_token_required",
            "no_node_available",
            "node_full",
            "limit_reached",
            "body_too_large",
            "media_type_unsupported",
          ),
        },
      },
    },
    async (request, reply) => {
      const issued = await consoles.open(callerOf(request), {
        ...request.body,
        machineId: request.params.id,
        api: "native",
      });
      reply.code(201);
      return consoleBody(issued);
    },
  );
}

function consoleBody({ sessionId, url, websocket, ticket, extra, expiresAt }: IssuedConsole): Console {
  return {
    sessionId,
    url,
    websocket: { ...websocket, token: ticket, ...(extra === undefined ? {} : { extra }) },
    expiresAt: expiresAt.toISOString(),
  };
}
