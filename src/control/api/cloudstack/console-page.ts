import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { systemClock } from "#base/clock.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, type PublicError } from "#wire/gateway-error.ts";
import { THUMBNAIL_PATH } from "#wire/viewer.ts";
import type { Caller } from "../../services.ts";
import { FailureLimit } from "../failure-limit.ts";
import { fromFramework, logProblem } from "../http-errors.ts";
import { callerAddress, provenanceOf, whenceOf } from "../origins.ts";
import { escaped, problemPage, smallPage } from "../small-page.ts";
import type { CloudStackOptions } from "./cloudstack.ts";
import { CredentialsRefused } from "./cloudstack-error.ts";
import { bySignature, signatureLife } from "./identity.ts";
import { type Parameters, parametersOf, textOf } from "./parameters.ts";
import { fitsSession, sessionOf } from "./session.ts";

/** As its own announcement prints the address: with `&` where the query begins. */
const MISPRINTED = "/client/console&";

/** For fastify's `rewriteUrl`: the address as it was meant. */
export function asMeant(url: string): string {
  return url.startsWith(MISPRINTED) ? url.replace("&", "?") : url;
}

type Page = (request: FastifyRequest, reply: FastifyReply, parameters: Parameters) => Promise<FastifyReply>;

/**
 * CloudStack's page flow from before createConsoleEndpoint, which it broke in 4.18: `/client/console?cmd=access&vm=ID`
 * answers a page that leads to the console, `cmd=auth` whether a console password is the right one, `cmd=thumbnail` a small picture of the screen. `command=` is taken
 * for `cmd=`. Its sentences are CloudStack's; its statuses, which there are always 200, say what they are.
 */
export function consolePage(app: FastifyInstance, options: CloudStackOptions): void {
  const { services, log, failures, values, ourOrigin } = options;
  const guesses = new FailureLimit(systemClock);
  const pages: Readonly<Record<string, Page>> = { access, auth, thumbnail };

  app.route({
    method: ["GET", "POST"],
    url: "/client/console",
    schema: { hide: true },
    errorHandler: async (error, request, reply) => {
      const problem = problemOf(error);
      logProblem(log, problem, request.id);
      if (problem.code === "rate_limited") reply.header("retry-after", "60");
      const shown = problem.toPublic(request.id);
      const said = CLOUDSTACK_SENTENCES[problem.code];
      const body = isForPerson(request)
        ? problemPage(said === undefined ? shown : { ...shown, message: said })
        : escaped(said ?? sentenceOf(shown));
      return await say(reply.code(problem.status), body);
    },
    handler: async (request, reply) => {
      const parameters = parametersOf(request);
      const command = textOf(parameters, "cmd") ?? textOf(parameters, "command") ?? "";
      const page = Object.hasOwn(pages, command) ? pages[command] : undefined;
      if (page === undefined)
        throw new GatewayError("request_invalid", { detail: "cmd: access, auth or thumbnail" });
      return await page(request, reply, parameters);
    },
  });

  async function access(request: FastifyRequest, reply: FastifyReply, parameters: Parameters) {
    const caller = await visitor(request, parameters);
    const machineId = machineOf(parameters);
    const extra = textOf(parameters, "token");
    const { url } = await services.consoles.open(caller, { machineId, api: "cloudstack", extra });
    const { name } = await services.machines.get(caller, machineId);
    const page = smallPage({
      title: name,
      head: [`<meta http-equiv="refresh" content="0; url=${escaped(url)}">`],
      body: [`<p><a href="${escaped(url)}">Open the console of ${escaped(name)}</a></p>`],
    });
    return await say(reply, page);
  }

  /** Sends the browser to the node for a small picture, with a ticket that is good for nothing else. */
  async function thumbnail(request: FastifyRequest, reply: FastifyReply, parameters: Parameters) {
    const caller = await visitor(request, parameters);
    const extra = textOf(parameters, "token");
    const { ticket, pageBase } = await services.consoles.open(caller, {
      machineId: machineOf(parameters),
      api: "cloudstack",
      purpose: "thumbnail",
      extra,
    });
    const query = new URLSearchParams({ token: ticket, ...(extra === undefined ? {} : { extra }) });
    for (const side of ["w", "h"]) {
      const pixels = textOf(parameters, side);
      if (pixels !== undefined) query.set(side, pixels);
    }
    return await reply
      .header("cache-control", "no-store")
      // Dashboards of other origins show it, which need a signature or a session for it.
      .header("cross-origin-resource-policy", "cross-origin")
      .redirect(`${pageBase}/${THUMBNAIL_PATH}?${query}`, 302);
  }

  /** Signed calls only, and those who guess are slowed: it would be an oracle of passwords otherwise. */
  async function auth(request: FastifyRequest, reply: FastifyReply, parameters: Parameters) {
    const apiKey = textOf(parameters, "apikey");
    if (apiKey === undefined) throw new CredentialsRefused();
    const caller = await signer(request, { parameters, apiKey });
    const machineId = machineOf(parameters);
    // By nothing that a guesser could change, and counted before the answer, so that none come at once.
    const source = `${caller.accountId} ${machineId}`;
    guesses.check(source);
    guesses.failed(source);
    const fits = await services.machines.hasPassword(caller, machineId, textOf(parameters, "sid") ?? "");
    return await say(reply, fits ? "success" : "failed");
  }

  /** By signature, or by the session: with its key, or from a page of our own, so that no other site opens consoles. */
  async function visitor(request: FastifyRequest, parameters: Parameters): Promise<Caller> {
    const apiKey = textOf(parameters, "apikey");
    if (apiKey !== undefined) return await signer(request, { parameters, apiKey });
    const cookie = sessionOf(request);
    if (cookie === undefined) throw new CredentialsRefused();
    const isOurs = provenanceOf(request, ourOrigin(request)) === "ours";
    if (!isOurs && !fitsSession(textOf(parameters, "sessionkey"), cookie)) throw new CredentialsRefused();
    const caller = await services.accounts.byCookie(cookie, callerAddress(request));
    if (caller === undefined) throw new CredentialsRefused();
    return { ...caller, ...whenceOf(request, "cloudstack") };
  }

  async function signer(
    request: FastifyRequest,
    signed: { readonly parameters: Parameters; readonly apiKey: string },
  ): Promise<Caller> {
    const caller = await bySignature(request, signed, {
      accounts: services.accounts,
      failures,
      signatureMs: signatureLife(values),
    });
    return { ...caller, ...whenceOf(request, "cloudstack") };
  }
}

function machineOf(parameters: Parameters): string {
  const machineId = textOf(parameters, "vm");
  if (machineId === undefined) throw new GatewayError("request_invalid", { detail: "vm: is missing" });
  return machineId;
}

function problemOf(error: unknown): GatewayError {
  return error instanceof CredentialsRefused ? new GatewayError("unauthenticated") : fromFramework(error);
}

/** Whose browser shows a window of this alone. A program gets the sentence, as from CloudStack. */
function isForPerson(request: FastifyRequest): boolean {
  const parameters = parametersOf(request);
  const command = textOf(parameters, "cmd") ?? textOf(parameters, "command");
  return command === "access" && request.headers.accept?.includes("text/html") === true;
}

/** What CloudStack has words for. */
const CLOUDSTACK_SENTENCES: Partial<Record<ErrorCode, string>> = {
  unauthenticated: "Access denied. Invalid web session or API key in request",
  forbidden: "Permission denied",
};

function sentenceOf({ message, remedy, detail, reference = "" }: PublicError): string {
  const parts = [message, ...(detail === undefined ? [] : [`(${detail})`]), remedy];
  return [...parts, `Reference: ${reference}`].join(" ");
}

async function say(reply: FastifyReply, html: string): Promise<FastifyReply> {
  return await reply.type("text/html; charset=UTF-8").header("cache-control", "no-store").send(html);
}
