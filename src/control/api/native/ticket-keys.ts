import { listOf, problems } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["installation"];

/** The keys that seal tickets. */
export function ticketKeyRoutes(
  app: NativeApp,
  { services: { ticketKeys }, callerOf }: Pick<NativeDeps, "services" | "callerOf">,
): void {
  app.get(
    "/ticket-keys",
    {
      schema: {
        operationId: "listTicketKeys",
        summary: "The generations of ticket keys, the newest first (administrators)",
        tags,
        response: { 200: listOf("TicketKeyGeneration", { description: "All of them" }), ...problems() },
      },
    },
    async (request) => ({ items: await ticketKeys.list(callerOf(request)) }),
  );

  app.post(
    "/ticket-keys",
    {
      schema: {
        operationId: "rotateTicketKeys",
        summary:
          "Make the next generation of ticket keys (administrators); links that were given out stay good",
        tags,
        response: {
          201: listOf("TicketKeyGeneration", { description: "All of them, the new one first" }),
          ...problems("limit_reached", "conflict"),
        },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return { items: await ticketKeys.rotate(callerOf(request)) };
    },
  );
}
