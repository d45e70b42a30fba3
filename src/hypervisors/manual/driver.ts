import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream, UpstreamTls } from "#wire/grant.ts";
import type { Driver, DriverTls } from "../driver.ts";
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

  async resolve({ state, username, password, tls, ...machine }) {
    if (state !== "running") throw new GatewayError("machine_not_running");
    const address = parseAddress(machine.address);
    return {
      address,
      ...(password === undefined ? {} : { password: password.expose() }),
      ...(username === undefined ? {} : { username }),
      ...(tls === undefined ? {} : { tls: toUpstreamTls(tls, address) }),
    };
  },
};

function toUpstreamTls(tls: DriverTls, address: Upstream["address"]): UpstreamTls {
  const { mode, ca, pin = "", clientCertificate: certificate, clientKey } = tls;
  const client =
    certificate === undefined || clientKey === undefined
      ? {}
      : { client: { certificate, key: clientKey.expose() } };
  switch (mode) {
    case "verify": {
      const { serverName = address.kind === "tcp" ? address.host : "" } = tls;
      return { mode, serverName, ...(ca === undefined ? {} : { ca }), ...client };
    }
    case "pin":
      return { mode, pin, ...client };
    case "insecure":
      return { mode, ...client };
    default:
      throw new Error(`there is no way ${mode satisfies never} to judge a certificate`);
  }
}
