import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";

/**
 * A collector of traces as the OpenTelemetry Protocol 1.x has it: OTLP/HTTP, "JSON Protobuf Encoding"
 * (https://opentelemetry.io/docs/specs/otlp/): POST /v1/traces of an ExportTraceServiceRequest, ids in hexadecimal, answered
 * by an ExportTraceServiceResponse, which is empty when all was taken.
 */
export interface OtlpCollector extends AsyncDisposable {
  readonly endpoint: string;
  /** Everything that was sent, in the order of its coming. */
  readonly spans: readonly CollectedSpan[];
  /** The requests as they came, to look for what must not be in them. */
  readonly raw: () => string;
}

interface CollectedSpan extends Static<typeof Span> {
  readonly service: string;
}

const Attributes = Type.Array(
  Type.Object({ key: Type.String(), value: Type.Record(Type.String(), Type.Unknown()) }),
);

const Span = Type.Object({
  traceId: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  spanId: Type.String({ pattern: "^[0-9a-f]{16}$" }),
  parentSpanId: Type.Optional(Type.String()),
  name: Type.String(),
  startTimeUnixNano: Type.String(),
  endTimeUnixNano: Type.String(),
  attributes: Type.Optional(Attributes),
  status: Type.Optional(
    Type.Object({ code: Type.Optional(Type.Integer()), message: Type.Optional(Type.String()) }),
  ),
});

const ExportRequest = Type.Object({
  resourceSpans: Type.Array(
    Type.Object({
      resource: Type.Object({ attributes: Attributes }),
      scopeSpans: Type.Array(Type.Object({ spans: Type.Array(Span) })),
    }),
  ),
});

/** On a free port, or on one that was another collector's. */
export async function startOtlpCollector(port = 0): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const bodies: unknown[] = [];
  const problems: string[] = [];
  const server = createServer(async (request, response) => {
    const body: unknown = await json(request).catch(() => undefined);
    bodies.push(body);
    const isRight = request.method === "POST" && request.url === "/v1/traces";
    if (!isRight || !Check(ExportRequest, body)) {
      problems.push(`${request.method} ${request.url} ${JSON.stringify(body)}`);
      response.writeHead(400).end();
      return;
    }
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const named = resource.attributes.find(({ key }) => key === "service.name");
      const service = String(named?.value["stringValue"]);
      for (const scope of scopeSpans) spans.push(...scope.spans.map((span) => ({ ...span, service })));
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    raw: () => JSON.stringify(bodies),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
      assert.deepEqual(problems, [], "the collector was sent what is not OTLP");
    },
  };
}
