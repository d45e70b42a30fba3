import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { Log } from "#base/process/log.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { PROTOCOLS, type Protocol } from "#wire/grant.ts";
import type { Services } from "../../services.ts";
import { type AuthenticationDeps, bySession } from "../authentication.ts";
import { describeProblem, fromFramework, logProblem } from "../http-errors.ts";
import { isTrustworthy, provenanceOf, whenceOf } from "../origins.ts";
import { problemPage, STYLE_PATH, styleSheet } from "../small-page.ts";

type ConsoleLinkOptions = Omit<AuthenticationDeps, "accounts"> & {
  readonly services: Pick<Services, "accounts" | "consoles">;
  readonly log: Log;
};

/** Which of its consoles; without it the one that it is registered with. */
const ConsoleLinkQuery = Type.Object({ protocol: Type.Optional(Type.Enum([...PROTOCOLS])) });

/**
 * The link behind a machine's console icon. It opens a new window, which no pop-up blocker holds back, and leads
 * straight to the node. What goes wrong is said on a page, because the window shows nothing else.
 */
export function consoleLink(
  app: FastifyInstance,
  { services: { accounts, consoles }, log, failures, ourOrigin }: ConsoleLinkOptions,
): void {
  app.get<{ Params: { id: string }; Querystring: { protocol?: Protocol } }>(
    "/machines/:id/console",
    {
      schema: { hide: true, querystring: ConsoleLinkQuery },
      errorHandler: async (error, request, reply) => {
        const problem = fromFramework(error);
        logProblem(log, problem, request.id);
        describeProblem(problem, request, reply);
        return await reply.type("text/html; charset=utf-8").send(problemPage(problem.toPublic(request.id)));
      },
    },
    async (request, reply) => {
      const caller = await bySession(request, { accounts, failures, ourOrigin });
      refuseForeignPages(request, ourOrigin(request));
      const { protocol } = request.query;
      const issued = await consoles.open(
        { ...caller, ...whenceOf(request, "web") },
        { machineId: request.params.id, api: "web", ...(protocol === undefined ? {} : { protocol }) },
      );
      return await reply.header("cache-control", "no-store").redirect(issued.url, 303);
    },
  );

  app.get(STYLE_PATH, { schema: { hide: true } }, async (_request, reply) => {
    return await reply.type("text/css; charset=utf-8").header("cache-control", "no-store").send(styleSheet);
  });
}

/**
 * A page of another site must not open consoles in a signed-in person's name. On plain HTTP beyond loopback
 * browsers say nothing about where a navigation comes from; there the cookie's SameSite=Strict is what holds.
 */
function refuseForeignPages(request: FastifyRequest, origin: string): void {
  const provenance = provenanceOf(request, origin);
  if (provenance === "ours" || (provenance === "unsaid" && !isTrustworthy(origin))) return;
  throw new GatewayError("origin_refused");
}
