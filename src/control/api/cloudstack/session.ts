import { hash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Secret } from "#base/secret.ts";
import type { Caller } from "../../services.ts";
import { sameSecret } from "../../vault/same-secret.ts";

/** CloudStack's clients know the cookie by this name, which is Tomcat's. */
const COOKIE = "JSESSIONID";

/** A CloudStack session: a web session of ours under CloudStack's cookie, and the key that its client repeats. */
export function beginSession(
  reply: FastifyReply,
  origin: string,
  { cookie, expiresAt }: { readonly cookie: Secret; readonly expiresAt: Date },
): void {
  reply.setCookie(COOKIE, cookie.expose(), { ...attributes(origin), expires: expiresAt });
}

export function endSession(reply: FastifyReply, origin: string): void {
  reply.clearCookie(COOKIE, attributes(origin));
}

export function sessionOf(request: FastifyRequest): string | undefined {
  const value = request.cookies[COOKIE];
  return value === "" ? undefined : value;
}

/**
 * What the client sends as `sessionkey` with everything that it asks. A page of another site can make a browser
 * send the cookie, but cannot know this; and whoever knows this does not know the cookie.
 */
export function sessionKeyOf(cookie: string): string {
  return hash("sha256", `sessionkey ${cookie}`, "base64url");
}

export function fitsSession(sessionKey: string | undefined, cookie: string): boolean {
  return sessionKey !== undefined && sameSecret(sessionKey, sessionKeyOf(cookie));
}

/** CloudStack's number for what an account may do. */
export function accountType({ role }: Pick<Caller, "role">): number {
  return role === "admin" ? 1 : 0;
}

function attributes(origin: string) {
  const secure = origin.startsWith("https:");
  return { path: "/client", httpOnly: true, sameSite: "strict", secure } as const;
}
