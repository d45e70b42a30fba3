import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Log } from "#base/process/log.ts";
import type { Services } from "../../services.ts";
import { byAuthToken } from "../auth-token.ts";
import type { FailureLimit } from "../failure-limit.ts";
import { IdentityFault, toFault } from "./fault.ts";

interface ImagesOptions {
  readonly services: Pick<Services, "accounts">;
  readonly log: Log;
  readonly failures: FailureLimit;
  readonly ourOrigin: (request: FastifyRequest) => string;
  readonly identityUrl: (request: FastifyRequest) => string;
}

/**
 * The list of images, of which there are none (Image API v2, "List images"). `openstack server list` and others take their image service
 * out of the catalogue before they ask for anything, and end where there is none.
 */
export async function imagesApi(app: FastifyInstance, options: ImagesOptions): Promise<void> {
  const { services, failures, log, ourOrigin, identityUrl } = options;
  const deps = { accounts: services.accounts, failures };
  const hidden = { schema: { hide: true } } as const;
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers({ "cache-control": "no-store", "x-openstack-request-id": `req-${request.id}` });
    done();
  });
  app.setErrorHandler(async (error, request, reply) => {
    const fault = toFault(error, { log, reference: request.id });
    if (fault.status === 401) reply.header("www-authenticate", `Keystone uri="${identityUrl(request)}"`);
    if (fault.status === 429) reply.header("retry-after", "60");
    return await reply.code(fault.status).send(fault.body);
  });

  app.get("/", hidden, async (request, reply) => {
    const links = [{ rel: "self", href: `${ourOrigin(request)}${app.prefix}/v2/` }];
    return await reply.code(300).send({ versions: [{ id: "v2.0", status: "CURRENT", links }] });
  });
  app.get("/v2/images", hidden, async (request) => {
    await byAuthToken(request, deps);
    return { images: [], first: "/v2/images", schema: "/v2/schemas/images" };
  });
  app.all("/*", hidden, async (request) => {
    await byAuthToken(request, deps);
    throw new IdentityFault(404, "There are no images here.");
  });
}
