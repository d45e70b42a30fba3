import { type ConfigOf, type Fields, flag, hostPort } from "#base/config.ts";
import { type LoadedConfig, loadConfig } from "#base/process/load-config.ts";
import { logLevel } from "#base/process/log.ts";

/** What the demo machine must know to start. */
export const DEMO_FIELDS = {
  listen: {
    env: "PORTHOLE_DEMO_LISTEN",
    doc: "Address to serve RFB on, 127.0.0.1:5900 if not given; port 0 picks a free one.",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: { host: "127.0.0.1", port: 5900 },
  },
  logLevel: {
    env: "PORTHOLE_LOG_LEVEL",
    doc: "Least severe log level that is written: debug, info, warn, error or silent; info if not given.",
    placeholder: "LEVEL",
    parse: logLevel,
    fallback: "info" as const,
  },
  json: {
    env: "PORTHOLE_JSON",
    doc: "Print one JSON line to standard output when ready.",
    parse: flag,
    fallback: false,
  },
} satisfies Fields;

export type DemoConfig = ConfigOf<typeof DEMO_FIELDS>;

export function loadDemoConfig(args: readonly string[]): LoadedConfig<typeof DEMO_FIELDS> {
  return loadConfig("demo", DEMO_FIELDS, { args, env: process.env });
}
