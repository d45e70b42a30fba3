import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Log } from "#base/process/log.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { IdentityToken } from "../../accounts/identity-service.ts";
import type { Caller, Services } from "../../services.ts";
import { authTokenOf, byAuthToken, callerOfToken } from "../auth-token.ts";
import type { FailureLimit } from "../failure-limit.ts";
import { callerAddress, whenceOf } from "../origins.ts";
import { type Asked, readAuthRequest } from "./auth-request.ts";
import { DOMAIN } from "./domain.ts";
import { IdentityFault, toFault } from "./fault.ts";
import { tokenDocument } from "./token-document.ts";

const SUBJECT = "x-subject-token";

interface IdentityOptions {
  readonly services: Services;
  readonly log: Log;
  readonly failures: FailureLimit;
  readonly ourOrigin: (request: FastifyRequest) => string;
  /** Where the Nova API is, for the catalogue. */
  readonly computeUrl: (request: FastifyRequest) => string;
  readonly imageUrl: (request: FastifyRequest) => string;
}

/** As much of Keystone's API v3 as clients need to come to consoles, over Porthole's own accounts. */
export async function identityApi(app: FastifyInstance, options: IdentityOptions): Promise<void> {
  const { services, failures, log, ourOrigin, computeUrl, imageUrl } = options;
  const { accounts } = services;
  const deps = { accounts, failures };
  const hidden = { schema: { hide: true } } as const;
  const rootOf = (request: FastifyRequest) => `${ourOrigin(request)}${app.prefix}`;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers({
      "cache-control": "no-store",
      vary: "X-Auth-Token",
      "x-openstack-request-id": `req-${request.id}`,
    });
    done();
  });

  app.setErrorHandler(async (error, request, reply) => {
    const fault = toFault(error, { log, reference: request.id });
    if (fault.status === 401) reply.header("www-authenticate", `Keystone uri="${rootOf(request)}/v3"`);
    if (fault.status === 429) reply.header("retry-after", "60");
    return await reply.code(fault.status).send(fault.body);
  });
  // A route and no not-found handler: the operator's pages have a route for whatever path there is.
  app.all("/*", hidden, async (request, reply) => {
    const said = new IdentityFault(404, `Could not find ${request.method} at this address.`);
    return await reply.code(said.status).send(said.body);
  });

  app.get("/", hidden, async (request, reply) => {
    return await reply.code(300).send({ versions: { values: [version(rootOf(request))] } });
  });
  for (const path of ["/v3", "/v3/"])
    app.get(path, hidden, async (request) => ({ version: version(rootOf(request)) }));

  app.post("/v3/auth/tokens", hidden, async (request, reply) => {
    const asked = readAuthRequest(request.body);
    const { caller, noLaterThan, scope } = await callerOf(request, asked);
    const from = whenceOf(request, "nova");
    const token = await accounts
      .issueToken(caller, { project: asked.project ?? scope, noLaterThan }, from)
      .catch(asUnauthenticated);
    const subject = token.expose();
    reply.code(201).header(SUBJECT, subject);
    return await documentOf(request, subject, asked.proof.method);
  });

  app.get("/v3/auth/tokens", hidden, async (request, reply) => {
    const subject = await subjectOf(request);
    reply.header(SUBJECT, subject);
    return await documentOf(request, subject, "token");
  });

  app.delete("/v3/auth/tokens", hidden, async (request, reply) => {
    const caller = await byAuthToken(request, deps);
    await accounts.revokeToken(caller, headerOf(request, SUBJECT), whenceOf(request, "nova"));
    return await reply.code(204).send();
  });

  app.get("/v3/auth/projects", hidden, async (request) => {
    const caller = await byAuthToken(request, deps);
    const { items } = await services.projects.list(caller, {});
    const projects = items.map(({ id, name }) => ({ id, name, domain_id: DOMAIN.id, enabled: true }));
    return { projects, links: { self: `${rootOf(request)}/v3/auth/projects`, next: null, previous: null } };
  });

  /** Who shows that. A new token for an old one ends when that does, and is for no more than that. */
  async function callerOf(
    request: FastifyRequest,
    { proof }: Asked,
  ): Promise<{ readonly caller: Caller; readonly noLaterThan?: Date; readonly scope?: string | undefined }> {
    if (proof.method === "token") {
      const known = proof.token.includes(":") ? undefined : await tokenOf(request, proof.token);
      if (known !== undefined)
        return { caller: known.caller, noLaterThan: known.expiresAt, scope: known.project?.id };
      return { caller: await callerOfToken(request, proof.token, deps) };
    }
    const address = callerAddress(request);
    const source = `${address} ${proof.name}`;
    failures.check(source);
    const from = whenceOf(request, "nova");
    const caller = await accounts.bySecret(proof.name, proof.secret, address, from);
    if (caller !== undefined) return { caller };
    failures.failed(source);
    throw IdentityFault.unauthenticated();
  }

  /** The token that is asked about: one's own, or, for administrators, anybody's. */
  async function subjectOf(request: FastifyRequest): Promise<string> {
    const caller = await byAuthToken(request, deps);
    const subject = headerOf(request, SUBJECT);
    if (subject !== authTokenOf(request) && caller.role !== "admin")
      throw new IdentityFault(403, "You are not authorized to perform the requested action.");
    return subject;
  }

  async function documentOf(request: FastifyRequest, subject: string, method: string): Promise<unknown> {
    const known = await tokenOf(request, subject);
    if (known === undefined) throw new IdentityFault(404, "Could not find token.");
    const compute = computeUrl(request);
    const places = { compute, identity: `${rootOf(request)}/v3`, image: imageUrl(request) };
    return tokenDocument(subject, known, { ...places, methods: [method] });
  }

  async function tokenOf(request: FastifyRequest, token: string): Promise<IdentityToken | undefined> {
    return await accounts.byToken(token, callerAddress(request));
  }
}

/** A project that is not the caller's is, to Keystone, no right to be here. */
function asUnauthenticated(error: unknown): never {
  if (error instanceof GatewayError && error.code === "not_found") throw IdentityFault.unauthenticated();
  throw error;
}

function headerOf(request: FastifyRequest, name: string): string {
  return [request.headers[name]].flat()[0] ?? "";
}

function version(root: string) {
  return {
    id: "v3.14",
    status: "stable",
    updated: "2020-04-07T00:00:00Z",
    links: [{ rel: "self", href: `${root}/v3/` }],
    "media-types": [{ base: "application/json", type: "application/vnd.openstack.identity-v3+json" }],
  };
}
