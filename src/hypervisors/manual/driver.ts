import { GatewayError } from "#wire/gateway-error.ts";
import type { Driver } from "../driver.ts";
import { formatAddress, parseAddress } from "./address.ts";

/**
 * Machines whose console listens on a known address, on a platform that nobody asks: whether they run is what the
 * operator set.
 */
export const manualDriver: Driver = {
  parseAddress: (text) => formatAddress(parseAddress(text)),

  async check(machine) {
    return { running: machine.state === "running", protocols: [machine.protocol] };
  },

  async resolve(machine) {
    if (machine.state !== "running") throw new GatewayError("machine_not_running");
    const address = parseAddress(machine.address);
    return machine.password === undefined ? { address } : { address, password: machine.password.expose() };
  },
};
