import type { FastifyReply, FastifyRequest } from "fastify";
import type { Secret } from "#base/secret.ts";

/** RFC 6265bis: the prefix binds a cookie to this very host, and only TLS may set it. */
const SECURE_NAME = "__Host-porthole";
const PLAIN_NAME = "porthole";

/** The value of the web session's cookie that a request carries, if it carries one. */
export function sessionCookie(request: FastifyRequest, origin: string): string | undefined {
  const value = request.cookies[nameAt(origin)];
  return value === "" ? undefined : value;
}

export function setSessionCookie(
  reply: FastifyReply,
  origin: string,
  { cookie, expiresAt }: { readonly cookie: Secret; readonly expiresAt: Date },
): void {
  reply.setCookie(nameAt(origin), cookie.expose(), { ...attributes(origin), expires: expiresAt });
}

export function clearSessionCookie(reply: FastifyReply, origin: string): void {
  reply.clearCookie(nameAt(origin), attributes(origin));
}

function nameAt(origin: string): string {
  return isSecure(origin) ? SECURE_NAME : PLAIN_NAME;
}

function attributes(origin: string) {
  return { path: "/", httpOnly: true, sameSite: "strict", secure: isSecure(origin) } as const;
}

function isSecure(origin: string): boolean {
  return origin.startsWith("https:");
}
