import swagger from "@fastify/swagger";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import { API_PREFIX } from "#wire/api.ts";
import type { Caller, Services } from "../../services.ts";
import { type AuthenticationDeps, authenticate } from "../authentication.ts";
import { whenceOf } from "../origins.ts";
import { accountRoutes } from "./accounts.ts";
import { acmeRoutes } from "./acme.ts";
import { auditRoutes } from "./audit.ts";
import { certificateRoutes } from "./certificates.ts";
import { COMPONENTS } from "./components.ts";
import { documentOptions, documentRoute } from "./document.ts";
import { hypervisorRoutes } from "./hypervisors.ts";
import { installationRoutes } from "./installation.ts";
import { keystoneRoutes } from "./keystone.ts";
import { machineRoutes } from "./machines.ts";
import { nameRoutes } from "./names.ts";
import { nodeRoutes } from "./nodes.ts";
import { projectRoutes } from "./projects.ts";
import { publicIpRangeRoutes } from "./public-ip-ranges.ts";
import { selfCheckRoutes } from "./self-check.ts";
import { sessionRoutes } from "./sessions.ts";
import { signInRoutes } from "./sign-in.ts";
import { ticketKeyRoutes } from "./ticket-keys.ts";
import { waitingMachineRoutes } from "./waiting-machines.ts";

/** Fastify with types taken from the routes' schemas. */
export type NativeApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What every group of routes is given. */
export interface NativeDeps {
  readonly services: Services;
  /** Who asks; only for routes that stand behind authentication. */
  readonly callerOf: (request: FastifyRequest) => Caller;
  readonly ourOrigin: (request: FastifyRequest) => string;
}

type NativeOptions = Omit<AuthenticationDeps, "accounts"> & {
  readonly services: Services;
  readonly version: string;
};

/** The native REST API, described by its own document at /api/v1/openapi.json. */
export async function nativeApi(app: FastifyInstance, options: NativeOptions): Promise<void> {
  const { services, version } = options;
  const callers = new WeakMap<FastifyRequest, Caller>();
  const deps: NativeDeps = {
    services,
    ourOrigin: options.ourOrigin,
    callerOf: (request) => {
      const caller = callers.get(request);
      if (caller === undefined) throw new Error("the route does not stand behind authentication");
      return caller;
    },
  };

  for (const [name, schema] of Object.entries(COMPONENTS)) app.addSchema({ ...schema, $id: name });
  await app.register(swagger, documentOptions(version));
  app.addHook("onRequest", async (_request, reply) => void reply.header("cache-control", "no-store"));
  app.addHook("preValidation", async (request) => {
    readIntegers(request);
    // No body at all asks for what an empty object asks for.
    if (request.routeOptions.schema?.body !== undefined) request.body ??= {};
  });

  await app.register(
    async (api: FastifyInstance) => {
      documentRoute(typed(api));
      signInRoutes(typed(api), options);
    },
    { prefix: API_PREFIX },
  );
  await app.register(
    async (api: FastifyInstance) => {
      api.addHook("onRequest", async (request) => {
        const caller = await authenticate(request, { ...options, accounts: services.accounts });
        callers.set(request, { ...caller, ...whenceOf(request, "native") });
      });
      const routes = typed(api);
      machineRoutes(routes, deps);
      waitingMachineRoutes(routes, deps);
      sessionRoutes(routes, deps);
      projectRoutes(routes, deps);
      accountRoutes(routes, deps);
      installationRoutes(routes, deps);
      nodeRoutes(routes, deps);
      publicIpRangeRoutes(routes, deps);
      hypervisorRoutes(routes, deps);
      certificateRoutes(routes, deps);
      acmeRoutes(routes, deps);
      keystoneRoutes(routes, deps);
      nameRoutes(routes, deps);
      selfCheckRoutes(routes, deps);
      ticketKeyRoutes(routes, deps);
      auditRoutes(routes, deps);
    },
    { prefix: API_PREFIX },
  );
}

function typed(app: FastifyInstance): NativeApp {
  return app.withTypeProvider<TypeBoxTypeProvider>();
}

/**
 * A query is text on the wire. Where a route's schema says integer, digits are read as one here: the validator
 * itself coerces nothing, so that a body's "1" stays the string it is.
 */
function readIntegers(request: FastifyRequest): void {
  const schema = request.routeOptions.schema?.querystring as
    | { readonly properties?: Readonly<Record<string, { readonly type?: string }>> }
    | undefined;
  const query = request.query as Record<string, unknown>;
  for (const [name, { type }] of Object.entries(schema?.properties ?? {})) {
    const value = query[name];
    if (type === "integer" && typeof value === "string" && /^\d{1,9}$/.test(value))
      query[name] = Number(value);
  }
}
