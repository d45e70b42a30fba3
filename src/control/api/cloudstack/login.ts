import type { FastifyReply, FastifyRequest } from "fastify";
import { systemClock } from "#base/clock.ts";
import { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Accounts } from "../../services.ts";
import type { FailureLimit } from "../failure-limit.ts";
import { callerAddress, provenanceOf, whenceOf } from "../origins.ts";
import type { Fields } from "./answer.ts";
import { CloudStackError, CredentialsRefused, missingParameter, STATUS } from "./cloudstack-error.ts";
import { DOMAIN, inOurDomain } from "./domain.ts";
import { formOf, type Parameters, textOf } from "./parameters.ts";
import { accountType, beginSession, endSession, sessionKeyOf, sessionOf } from "./session.ts";

const limits = {
  /** Of a user name that is looked up at all: an API key, or an account's name. */
  nameCharacters: 128,
  passwordCharacters: 256,
} as const;

export interface LoginDeps {
  readonly accounts: Pick<Accounts, "signInBySecret" | "signOut">;
  readonly failures: FailureLimit;
  /** Ours, by which the request came. */
  readonly origin: string;
}

/**
 * CloudStack's `login`: accounts have no passwords here, so `username` is an API key, or its account's name, and
 * `password` its secret key. Only in a form by POST: what stands in an address is logged on its way.
 */
export async function login(request: FastifyRequest, reply: FastifyReply, deps: LoginDeps): Promise<Fields> {
  const { accounts, failures, origin } = deps;
  const parameters = formOf(request);
  if (request.method !== "POST")
    throw new CloudStackError(STATUS.badRequest, "The login command needs to be sent using POST request");
  refuseForeignPages(request, origin);
  const name = required(parameters, "username");
  const password = required(parameters, "password");
  const source = `${callerAddress(request)} ${name}`;
  failures.check(source);
  const domain = textOf(parameters, "domainid") ?? textOf(parameters, "domain") ?? DOMAIN.path;
  const isPossible =
    name.length <= limits.nameCharacters &&
    password.length <= limits.passwordCharacters &&
    inOurDomain(domain);
  const signedIn = isPossible
    ? await accounts.signInBySecret(
        name,
        new Secret(password),
        callerAddress(request),
        whenceOf(request, "cloudstack"),
      )
    : undefined;
  if (signedIn === undefined) {
    failures.failed(source);
    throw new LoginRefused();
  }
  const { caller, cookie, expiresAt } = signedIn;
  beginSession(reply, origin, signedIn);
  return {
    username: caller.name,
    userid: caller.accountId,
    domainid: DOMAIN.id,
    timeout: Math.floor((expiresAt.getTime() - systemClock.now()) / 1000),
    account: caller.name,
    firstname: caller.name,
    lastname: "",
    type: String(accountType(caller)),
    registered: "false",
    sessionkey: sessionKeyOf(cookie.expose()),
  };
}

/** Ends the session of the cookie, if there is one. Its key is not asked for: nobody gains by signing others out. */
export async function logout(
  request: FastifyRequest,
  reply: FastifyReply,
  { accounts, origin }: LoginDeps,
): Promise<Fields> {
  const cookie = sessionOf(request);
  if (cookie !== undefined) await accounts.signOut(cookie, whenceOf(request, "cloudstack"));
  endSession(reply, origin);
  return { description: "success" };
}

/**
 * A page of another site could otherwise sign a person in to an account of its own choosing. Programs say nothing of
 * where they come from, and go on. Judged before any credential, so that such a page uses up nobody's guesses either.
 */
function refuseForeignPages(request: FastifyRequest, origin: string): void {
  if (provenanceOf(request, origin) === "foreign")
    throw new GatewayError("forbidden", { detail: "the request came from a page of another site" });
}

/** CloudStack's own words for it, and a code that other refusals have not. */
class LoginRefused extends CredentialsRefused {
  override readonly message = "Failed to authenticate user; please provide valid credentials";
}

function required(parameters: Parameters, name: string): string {
  const value = textOf(parameters, name);
  if (value === undefined) throw missingParameter("login", name);
  return value;
}
