import { placeOf, type Upstream, type UpstreamTls } from "#wire/grant.ts";
import type { DriverTls } from "./driver.ts";

/** How the node that dials an address is to judge whose it is: by the name on record, by `host`, or by the address's own. */
export function toUpstreamTls(
  tls: DriverTls,
  address: Upstream["address"],
  host = hostOf(address),
): UpstreamTls {
  const { mode, ca, pin = "", clientCertificate: certificate, clientKey } = tls;
  const client =
    certificate === undefined || clientKey === undefined
      ? {}
      : { client: { certificate, key: clientKey.expose() } };
  switch (mode) {
    case "verify": {
      const { serverName = host } = tls;
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

function hostOf(address: Upstream["address"]): string {
  const place = placeOf({ address });
  return place.kind === "unix" ? "" : place.host;
}
