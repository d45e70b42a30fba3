import { ConfigError, formatHostPort } from "#base/config.ts";
import { createLog } from "#base/process/log.ts";
import { aborted, type Role } from "#base/process/role.ts";
import { type DemoConfig, loadDemoConfig } from "./config.ts";
import { type DemoServer, startDemo } from "./server.ts";

/** `porthole demo`: a small machine to look at, which is nothing but an RFB server. */
export const main: Role = async ({ args, stop }) => {
  const loaded = loadDemoConfig(args);
  if ("help" in loaded) {
    process.stdout.write(loaded.help);
    return 0;
  }
  await using demo = await start(loaded.config);
  const { address } = demo;
  process.stdout.write(
    loaded.config.json
      ? `${JSON.stringify({ ready: true, address })}\n`
      : `The demo machine listens on ${address}.\n`,
  );
  await aborted(stop);
  return 0;
};

async function start({ listen, logLevel }: DemoConfig): Promise<DemoServer> {
  try {
    return await startDemo({ listen, log: createLog("demo", logLevel) });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([`--listen ${formatHostPort(listen)}: ${reason}`]);
  }
}
