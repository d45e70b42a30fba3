import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { ERRORS } from "#wire/errors.ts";
import type { GatewayError } from "#wire/gateway-error.ts";

/**
 * Says an error of the catalogue: JSON for programs, a small page for a person whose browser asks for one. The
 * connection is closed behind it, since what is left of the request is of no interest.
 */
export function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  { error, headers }: { readonly error: GatewayError; readonly headers: OutgoingHttpHeaders },
): void {
  const asPage = wantsPage(request);
  const body = asPage ? errorPage(error) : JSON.stringify({ error: error.toPublic() });
  answer(request, response, {
    status: error.status,
    headers: {
      ...headers,
      connection: "close",
      "cache-control": "no-store",
      "content-type": asPage ? "text/html; charset=utf-8" : "application/json",
    },
    body: Buffer.from(body),
  });
}

export function answerJson(
  request: IncomingMessage,
  response: ServerResponse,
  { body, headers }: { readonly body: unknown; readonly headers: OutgoingHttpHeaders },
): void {
  answer(request, response, {
    status: 200,
    headers: { ...headers, "cache-control": "no-store", "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(body)),
  });
}

/** A HEAD request is told how long the body would be, and does not get it. */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  parts: { readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: Buffer },
): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(parts.status, { ...parts.headers, "content-length": parts.body.length });
  response.end(request.method === "HEAD" ? undefined : parts.body);
}

function wantsPage(request: IncomingMessage): boolean {
  return request.method === "GET" && (request.headers.accept ?? "").includes("text/html");
}

function errorPage(error: GatewayError): string {
  const { meaning, remedy } = ERRORS[error.code];
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${escapeHtml(meaning)}</title>`,
    `<h1>${escapeHtml(meaning)}</h1><p>${escapeHtml(remedy)}</p><p><code>${error.code}</code></p></html>`,
  ].join("\n");
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
