import { type Field, type HostPort, hostPort, list, text } from "../../config.ts";

/** Where a process is watched. A port alone is one of loopback. */
function adminListen(value: string): HostPort {
  return hostPort(/^\d{1,5}$/.test(value) ? `127.0.0.1:${value}` : value);
}

/** The fields of every role that can be watched, under the names that its environment has. */
export function adminFields<const Prefix extends string>(prefix: Prefix) {
  return {
    adminListen: {
      env: `${prefix}_ADMIN_LISTEN`,
      doc: "Where metrics and health are served, to whoever comes: a port of loopback, or HOST:PORT. Off if absent.",
      placeholder: "[HOST:]PORT",
      parse: adminListen,
      fallback: null,
    },
    adminNames: {
      env: `${prefix}_ADMIN_NAMES`,
      doc: "Names under which metrics may be asked for, beside addresses and localhost, separated by commas.",
      placeholder: "LIST",
      parse: list(text),
      fallback: [],
    },
    otlpEndpoint: {
      env: "OTEL_EXPORTER_OTLP_ENDPOINT",
      doc: "Where traces go by OTLP/HTTP, such as http://collector:4318. Nothing is traced if absent.",
      placeholder: "URL",
      parse: otlpEndpoint,
      fallback: null,
    } satisfies Field<string>,
  } as const;
}

function otlpEndpoint(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.search + url.hash !== "" ||
    url.username !== ""
  )
    throw new Error("must be a URL such as http://collector.example.com:4318, without credentials");
  return value.replace(/\/+$/, "");
}
