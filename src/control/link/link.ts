import { Server } from "node:tls";
import type { Clock } from "#base/clock.ts";
import type { HostPort } from "#base/config.ts";
import type { Authority } from "#tls/authority.ts";
import { periodically } from "../periodic.ts";
import { type Serving, serve } from "../serve.ts";
import { issueLinkCertificate } from "./link-certificate.ts";
import { createLinkServer, type LinkParts } from "./server.ts";

const intervals = {
  /** Certificates last a year; a control that runs longer must not be stopped by it. */
  renewalMs: 24 * 60 * 60 * 1000,
} as const;

interface Options {
  readonly listen: HostPort;
  readonly names: readonly string[];
  readonly authority: Authority;
  readonly clock: Clock;
}

/** Opens the link's listener under a new certificate of the installation's CA, and renews that while it runs. */
export async function startLink(
  parts: LinkParts,
  { listen, names, authority, clock }: Options,
): Promise<Serving & { readonly channels: () => number }> {
  const issue = async () => await issueLinkCertificate(authority, { listen, names, now: clock.now() });
  const { app, channels } = createLinkServer(parts, await issue());
  const serving = await serve(app, listen, "link");
  const renew = async () => {
    const { cert, key, ca } = await issue();
    if (app.server instanceof Server) app.server.setSecureContext({ cert, key, ca, minVersion: "TLSv1.3" });
  };
  const renewal = periodically(renew, {
    everyMs: intervals.renewalMs,
    name: "link certificate",
    log: parts.log,
  });
  return {
    address: serving.address,
    channels,
    async close() {
      await renewal.stop();
      await serving.close();
    },
  };
}
