import { createLog } from "#base/process/log.ts";
import { aborted, type Role } from "#base/process/role.ts";
import { loadDemoConfig } from "./config.ts";
import { startDemo } from "./server.ts";

/** `porthole demo`: a small machine to look at, which is nothing but an RFB server. */
export const main: Role = async ({ args, stop }) => {
  const loaded = loadDemoConfig(args);
  if ("help" in loaded) {
    process.stdout.write(loaded.help);
    return 0;
  }
  const { listen, logLevel, json } = loaded.config;
  await using demo = await startDemo({ listen, log: createLog("demo", logLevel) });
  const { address } = demo;
  process.stdout.write(
    json ? `${JSON.stringify({ ready: true, address })}\n` : `The demo machine listens on ${address}.\n`,
  );
  await aborted(stop);
  return 0;
};
