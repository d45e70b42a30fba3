import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Span, Tracing } from "#base/process/tracing/tracing.ts";

const spans = new WeakMap<FastifyRequest, Span>();

/** Makes each request a part of its caller's trace, or the beginning of one. The path is the route's, without ids. */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  app.addHook("onRequest", (request, _reply, done) => {
    const { traceparent } = request.headers;
    const route = request.routeOptions.url ?? "none";
    const span = tracing.start(`${request.method} ${route}`, {
      parent: typeof traceparent === "string" ? traceparent : undefined,
      kind: "server",
      attributes: {
        "http.request.method": request.method,
        "http.route": route,
        "porthole.reference": request.id,
      },
    });
    spans.set(request, span);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const span = spans.get(request);
    span?.set({ "http.response.status_code": reply.statusCode });
    span?.end(reply.statusCode >= 500 ? String(reply.statusCode) : undefined);
    done();
  });
}

/** By which others add to the request's trace; undefined where it has none. */
export function traceparentOf(request: FastifyRequest): string | undefined {
  return spans.get(request)?.traceparent;
}
