import { systemClock } from "#base/clock.ts";
import { createLog } from "#base/process/log.ts";
import { aborted, type Role } from "#base/process/role.ts";
import { loadControlConfig } from "./config.ts";
import { startControl } from "./control.ts";

/** `porthole control`: runs until it is told to stop. */
export const main: Role = async ({ args, stop }) => {
  const loaded = loadControlConfig(args);
  if ("help" in loaded) {
    process.stdout.write(loaded.help);
    return 0;
  }
  const { config } = loaded;
  const log = createLog("control", config.logLevel);
  const control = await startControl(config, { log, clock: systemClock });
  try {
    const { origin, link, dns, firstKeys, admin, nova } = control;
    log.info({ control: origin, link, nova, ...(dns.length > 0 && { dns }) }, "Control is ready");
    const keys = firstKeys && { apiKey: firstKeys.apiKey, secretKey: firstKeys.secretKey };
    if (config.json)
      process.stdout.write(
        `${JSON.stringify({ ready: true, control: origin, link, admin, nova, ...(dns.length > 0 && { dns }), ...keys })}\n`,
      );
    await aborted(stop);
  } finally {
    await control.stop();
    log.info("Control has stopped");
  }
  return 0;
};
