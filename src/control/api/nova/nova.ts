import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Log } from "#base/process/log.ts";
import type { Services } from "../../services.ts";
import type { SettingValues } from "../../settings/settings.ts";
import type { FailureLimit } from "../failure-limit.ts";
import { collectRoutes, fromFramework, logProblem } from "../http-errors.ts";
import { actOnServer } from "./actions.ts";
import { showAuthToken } from "./auth-tokens.ts";
import { authenticateForNova } from "./authenticate.ts";
import type { NovaCall } from "./call.ts";
import { versionChoices, versionDocument, versionList } from "./discovery.ts";
import { FAULTS, fromCatalogue, NovaFault } from "./fault.ts";
import { takeVersion } from "./microversion.ts";
import type { NobodysToken } from "./nobodys-token.ts";
import { createConsole, createRemoteConsole } from "./remote-consoles.ts";
import { listServers, listServersInDetail, showServer } from "./servers.ts";

export interface NovaOptions {
  readonly services: Services;
  readonly log: Log;
  readonly failures: FailureLimit;
  readonly values: SettingValues;
  readonly ourOrigin: (request: FastifyRequest) => string;
  /** Where our own Keystone is, as the refused are told while no other is configured. */
  readonly identityUrl: (request: FastifyRequest) => string;
  /** Where clients may act that bring no token. */
  readonly nobodysToken?: NobodysToken | undefined;
}

type Handler = (call: NovaCall) => Promise<unknown>;

/** Below `/v2.1`; and at the top, since keystoneauth's `admin_token` asks whatever endpoint it was given, version or none. */
const BASES = ["/v2.1", ""] as const;
const ROUTES: readonly (readonly [method: "GET" | "POST", path: string, handler: Handler])[] = [
  ["GET", "/os-console-auth-tokens/:token", showAuthToken],
  ["GET", "/servers", listServers],
  ["GET", "/servers/detail", listServersInDetail],
  ["GET", "/servers/:id", showServer],
  ["POST", "/servers/:id/action", actOnServer],
  ["POST", "/servers/:id/remote-consoles", createRemoteConsole],
  ["POST", "/servers/:id/console", createConsole],
];

/** The first part of a path that is a version, or that is taken for the one version that there is. */
const TOPS: ReadonlySet<string | undefined> = new Set([
  "v2.1",
  ...ROUTES.map(([, path]) => path.split("/")[1]),
]);

/** OpenStack Nova's API, as far as consoles take it. It stands at the prefix that it is registered with. */
export async function novaApi(app: FastifyInstance, options: NovaOptions): Promise<void> {
  const { log, ourOrigin } = options;
  const routes = collectRoutes(app);
  const rootOf = (request: FastifyRequest) => `${ourOrigin(request)}${app.prefix}`;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers({ "cache-control": "no-store", "x-openstack-request-id": `req-${request.id}` });
    done();
  });

  app.setErrorHandler(async (error, request, reply) => await fail(error, request, reply));
  // A route and no not-found handler: the operator's pages have a route for whatever path there is.
  app.all("/*", { schema: { hide: true } }, async (request, reply) => {
    const top = request.url.slice(app.prefix.length).split(/[/?]/)[1];
    if (!TOPS.has(top)) return await reply.code(300).send(versionChoices(rootOf(request)));
    try {
      await authenticateForNova(request, deps);
      takeVersion(request.headers, reply);
    } catch (error) {
      return await fail(error, request, reply);
    }
    const allowed = routes.methodsOf(request.url);
    if (allowed.length === 0) return await fail(FAULTS.unknownPath(), request, reply);
    const message = `The method ${request.method} is not allowed for this resource.`;
    return await fail(new NovaFault(405, message), request, reply.header("allow", allowed.join(", ")));
  });

  const { services, failures, values, nobodysToken } = options;
  const { accounts, keystone } = services;
  const deps = { accounts, keystone, failures, nobodysToken };
  app.get("/", { schema: { hide: true } }, async (request) => versionList(rootOf(request)));
  for (const path of ["/v2.1", "/v2.1/"])
    app.get(path, { schema: { hide: true } }, async (request) => versionDocument(rootOf(request)));
  const all = BASES.flatMap((base) =>
    ROUTES.map(([method, path, handler]) => ({ method, url: `${base}${path}`, handler })),
  );
  for (const { method, url, handler } of all)
    app.route({
      ...{ method, url, schema: { hide: true } },
      handler: async (request, reply) => {
        const caller = await authenticateForNova(request, deps);
        const version = takeVersion(request.headers, reply);
        const answer = await handler({
          ...{ services, values, log, caller, version, request },
          root: rootOf(request),
        });
        return await reply.type("application/json").send(JSON.stringify(answer));
      },
    });

  async function fail(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const fault = toFault(error, request);
    if (fault.status === 401)
      reply.header("www-authenticate", `Keystone uri="${await whereTokensAre(request)}"`);
    if (fault.retryAfter !== undefined) reply.header("retry-after", fault.retryAfter);
    return await reply.code(fault.status).type("application/json").send(JSON.stringify(fault.body));
  }

  /** The operator's Keystone, where there is one; ours, too, where that cannot be looked up. */
  async function whereTokensAre(request: FastifyRequest): Promise<string> {
    const theirs = await keystone.publicUrl().catch(() => undefined);
    return theirs ?? options.identityUrl(request);
  }

  function toFault(error: unknown, request: FastifyRequest): NovaFault {
    if (error instanceof NovaFault) return error;
    const problem = fromFramework(error);
    logProblem(log, problem, request.id);
    return fromCatalogue(problem, request.id);
  }
}
