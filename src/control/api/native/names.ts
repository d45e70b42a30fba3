import { Type } from "typebox";
import { problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const tags = ["installation"];

/** The zone of the domain, for name servers of other people. */
export function nameRoutes(
  app: NativeApp,
  { services: { names }, callerOf }: Pick<NativeDeps, "services" | "callerOf">,
): void {
  app.get(
    "/dns-zone",
    {
      schema: {
        operationId: "getDnsZone",
        summary: "The zone of the consoles' domain as a master file (administrators)",
        tags,
        querystring: Type.Object(
          {
            range: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 100,
                description:
                  "FIRST-LAST, one address, or a network, whose names are in it beside those of the nodes: 65536 addresses at most.",
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: ref("DnsZone", { description: "The zone" }), ...problems() },
      },
    },
    async (request) => await names.zone(callerOf(request), request.query),
  );
}
