import type { Attributes, SpanContext } from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Log } from "../log.ts";

const limits = {
  /** Spans that wait for the collector; what comes beyond is dropped. */
  queuedSpans: 2_048,
  spansPerExport: 512,
  exportEveryMs: 1_000,
  exportMs: 5_000,
} as const;

/** A part of what is traced. Attributes hold ids, codes and names of ours: no ticket, no credential, no URL with a query. */
export interface Span {
  /** W3C Trace Context, by which another process adds to the same trace. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  /** `problem` is the code of what went wrong. */
  end(problem?: string): void;
}

interface SpanOptions {
  /** The traceparent of what it is part of; without one, or with one that is none, it begins a trace. */
  readonly parent?: string | undefined;
  readonly kind?: "server" | "client" | "internal";
  readonly attributes?: Attributes;
}

/** Where nobody collects traces there is none of these, so tracing costs a comparison. */
export interface Tracing {
  start(name: string, options?: SpanOptions): Span;
  /** Sends what waits, within a bound. */
  stop(): Promise<void>;
}

interface TracingOptions {
  /** Of the collector; `/v1/traces` is added to it. */
  readonly endpoint: string;
  readonly role: string;
  readonly version: string;
  readonly log: Log;
}

/**
 * Loads OpenTelemetry, which takes more than a tenth of a second, and sends spans to a collector by OTLP/HTTP. What the
 * collector wants of headers (OTEL_EXPORTER_OTLP_HEADERS) the exporter reads by itself.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const api = await import("@opentelemetry/api");
  const provider = await createProvider(options);
  const tracer = provider.getTracer("porthole", options.version);
  const kinds = { server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT, internal: api.SpanKind.INTERNAL };
  return {
    start(name, { parent, kind = "internal", attributes = {} } = {}) {
      const remote = parent === undefined ? undefined : readTraceparent(parent);
      const context =
        remote === undefined ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, remote);
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes }, context);
      return {
        traceparent: writeTraceparent(span.spanContext()),
        set: (more) => void span.setAttributes(more),
        end(problem) {
          if (problem !== undefined) {
            span.setStatus({ code: api.SpanStatusCode.ERROR, message: problem });
            span.setAttribute("error.type", problem);
          }
          span.end();
        },
      };
    },
    async stop() {
      try {
        await provider.shutdown();
      } catch (error) {
        options.log.warn({ error }, "The last traces could not be sent");
      }
    },
  };
}

async function createProvider({ endpoint, role, version, log }: TracingOptions) {
  const [sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
  ]);
  const exporter = complaining(
    new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: limits.exportMs }),
    log,
  );
  return new sdk.TracerProvider({
    // Whoever calls us and does not trace this is not traced by us either.
    sampler: new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }),
    resource: resourceFromAttributes({
      "service.name": `porthole-${role}`,
      "service.version": version,
      "process.pid": process.pid,
    }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter,
        maxQueueSize: limits.queuedSpans,
        maxExportBatchSize: limits.spansPerExport,
        scheduledDelayMillis: limits.exportEveryMs,
        exportTimeoutMillis: limits.exportMs,
      }),
    ],
  });
}

/** The exporter, which tells the log when the collector takes nothing, and when it does again; by itself it says neither. */
function complaining(exporter: SpanExporter, log: Log): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const fails = result.error !== undefined;
        if (fails && !isFailing) log.warn({ error: result.error }, "Traces cannot be sent");
        if (!fails && isFailing) log.info("Traces are sent again");
        isFailing = fails;
        done(result);
      });
    },
    shutdown: async () => await exporter.shutdown(),
    forceFlush: async () => await exporter.forceFlush?.(),
  };
}

/** W3C Trace Context §3.2, version 00. What is no traceparent begins a new trace. */
function readTraceparent(text: string) {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function writeTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** Does something as a part of a trace, where there is one. `codeOf` says what a failure is called. */
export async function traced<Result>(
  span: Span | undefined,
  work: () => Promise<Result>,
  codeOf: (error: unknown) => string,
): Promise<Result> {
  if (span === undefined) return await work();
  try {
    const result = await work();
    span.end();
    return result;
  } catch (error) {
    span.end(codeOf(error));
    throw error;
  }
}
