import { GatewayError } from "#wire/gateway-error.ts";
import { isWithinTls } from "#wire/grant.ts";
import type { Driver } from "../driver.ts";
import { toUpstreamTls } from "../upstream-tls.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { formatSerialAddress, parseSerialAddress } from "./serial-address.ts";

/**
 * Machines whose console listens on a known address, on a platform that nobody asks: whether they run is what the
 * operator set.
 */
export const manualDriver: Driver = {
  parseAddress: (text, protocol = "rfb") =>
    protocol === "serial" ? formatSerialAddress(parseSerialAddress(text)) : formatAddress(parseAddress(text)),

  async check({ state, protocol }) {
    const isExclusive = protocol === "serial" ? { isExclusive: true } : {};
    return { running: state === "running", protocols: [protocol], ...isExclusive };
  },

  async resolve({ state, username, password, tls, ...machine }) {
    if (state !== "running") throw new GatewayError("machine_not_running");
    if (machine.protocol === "serial") {
      const line = parseSerialAddress(machine.address);
      // Nobody signs in to a line, and TLS is around it or nowhere.
      return {
        ...line,
        ...(tls !== undefined && isWithinTls(line) ? { tls: toUpstreamTls(tls, line.address) } : {}),
      };
    }
    const address = parseAddress(machine.address);
    return {
      address,
      ...(password === undefined ? {} : { password: password.expose() }),
      ...(username === undefined ? {} : { username }),
      ...(tls === undefined ? {} : { tls: toUpstreamTls(tls, address) }),
    };
  },
};
