import type { FastifyRequest } from "fastify";
import { SignIn } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Accounts } from "../../services.ts";
import type { AuthenticationDeps } from "../authentication.ts";
import { callerAddress, provenanceOf, whenceOf } from "../origins.ts";
import { clearSessionCookie, sessionCookie, setSessionCookie } from "../session-cookie.ts";
import { nothing, problems } from "./components.ts";
import type { NativeApp } from "./native.ts";

const tags = ["sign-in"];

type SignInDeps = Omit<AuthenticationDeps, "accounts"> & {
  readonly services: { readonly accounts: Pick<Accounts, "signIn" | "signOut"> };
};

/** The two routes by which a web session begins and ends. They judge by themselves who calls. */
export function signInRoutes(
  app: NativeApp,
  { services: { accounts }, failures, ourOrigin }: SignInDeps,
): void {
  /**
   * Nobody guesses 256 bits, so a good code always passes: behind a reverse proxy everybody has one address, and
   * what others mistype there must lock nobody out. Only the answers to wrong codes are limited.
   */
  const signIn = async (request: FastifyRequest, code: string) => {
    const source = `${callerAddress(request)} sign-in`;
    try {
      return await accounts.signIn(code, whenceOf(request, "web"));
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === "sign_in_code_invalid")) throw error;
      failures.check(source);
      failures.failed(source);
      throw error;
    }
  };

  app.post(
    "/sign-in",
    {
      schema: {
        operationId: "signIn",
        summary: "Exchange the one-time code of a sign-in link for a web session",
        tags,
        security: [],
        body: SignIn,
        response: {
          204: nothing({ description: "Signed in; the session's cookie is set" }),
          ...problems("sign_in_code_invalid", "body_too_large", "media_type_unsupported"),
        },
      },
    },
    async (request, reply) => {
      const origin = ourOrigin(request);
      // A foreign page could otherwise sign a person in to an account of its own choosing.
      if (provenanceOf(request, origin) === "foreign") throw foreignPage();
      setSessionCookie(reply, origin, await signIn(request, request.body.code));
      reply.code(204);
      return null;
    },
  );

  app.post(
    "/sign-out",
    {
      schema: {
        operationId: "signOut",
        summary: "End the web session",
        tags,
        security: [{ session: [] }],
        response: {
          204: nothing({ description: "Signed out; a session that is over already is fine" }),
          ...problems(),
        },
      },
    },
    async (request, reply) => {
      const origin = ourOrigin(request);
      if (provenanceOf(request, origin) !== "ours") throw foreignPage();
      const cookie = sessionCookie(request, origin);
      if (cookie !== undefined) await accounts.signOut(cookie, whenceOf(request, "web"));
      clearSessionCookie(reply, origin);
      reply.code(204);
      return null;
    },
  );
}

function foreignPage(): GatewayError {
  return new GatewayError("forbidden", { detail: "the request came from a page of another site" });
}
