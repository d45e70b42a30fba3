import { HypervisorError } from "../hypervisor-error.ts";
import type { ProxmoxClient } from "./client.ts";

/** A cluster is known by its own authority, which it makes for itself, and which its nodes share; whoever is signed in may see it. */
export async function clusterIdentity(client: ProxmoxClient, signal: AbortSignal): Promise<string> {
  const { data: certificates } = await client.ask("certificates", {
    path: "/nodes/localhost/certificates/info",
    signal,
  });
  const fingerprint = certificates
    .find(({ filename }) => filename === "pve-root-ca.pem")
    ?.fingerprint?.toLowerCase();
  if (fingerprint === undefined || !/^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/.test(fingerprint))
    throw new HypervisorError("answer", "it does not say which authority its cluster has (pve-root-ca.pem)");
  return `cluster of authority sha256:${fingerprint.replaceAll(":", "")}`;
}
