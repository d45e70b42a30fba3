import type { Node } from "#wire/api.ts";
import type { Certificate, NodeAuthority } from "#wire/certificate.ts";

/** What the certificates' page and the notices above every page are made of. */
export interface CertificateOverview {
  /** Those that were uploaded, that of all pools first. */
  readonly certificates: readonly Certificate[];
  readonly nodes: readonly Node[];
  readonly authority: NodeAuthority;
  /** consoleproxy.sslEnabled */
  readonly isTls: boolean;
  /** consoleproxy.url.domain; empty where it is not set. */
  readonly domain: string;
}

/**
 * How far a node is with what it is to serve. `flawed`: it serves it, though it is not for what the node is called;
 * `refused`: it could not load it; `silent`: it is not heard of, so nobody knows.
 */
export type Standing = "serves" | "flawed" | "waits" | "refused" | "plain" | "silent";

type Uploaded = Pick<CertificateOverview, "certificates">;

/** What the nodes of a pool are to serve; `undefined`: each one of the installation's own CA. */
export function certificateOf(pool: string | undefined, { certificates }: Uploaded): Certificate | undefined {
  return (
    certificates.find((each) => each.pool !== undefined && each.pool === pool) ??
    certificates.find((each) => each.pool === undefined)
  );
}

export function standingOf(node: Node, overview: Uploaded & Pick<CertificateOverview, "isTls">): Standing {
  if (node.agentState !== "up") return "silent";
  const { certificate: served, certificateProblem: problem } = node;
  const isWanted = overview.isTls
    ? served !== undefined && served.chainId === certificateOf(node.pool, overview)?.chainId
    : served === undefined;
  if (problem !== undefined) return isWanted && served !== undefined ? "flawed" : "refused";
  if (!isWanted) return "waits";
  return served === undefined ? "plain" : "serves";
}

/** How many of the nodes that are heard of serve a certificate, of those that are to; `undefined`: of those without one. */
export function progressOf(certificate: Certificate | undefined, overview: CertificateOverview) {
  const standings = overview.nodes
    .filter((node) => certificateOf(node.pool, overview)?.id === certificate?.id)
    .map((node) => standingOf(node, overview))
    .filter((standing) => standing !== "silent");
  const count = (wanted: Standing) => standings.filter((standing) => standing === wanted).length;
  return {
    of: standings.length,
    serving: count("serves") + count("flawed"),
    refused: count("refused"),
    waiting: count("waits"),
  };
}

/** What its nodes go back to when it is taken away; `undefined`: to those of the installation's own CA. */
export function successorOf({ pool }: Certificate, overview: Uploaded): Certificate | undefined {
  return pool === undefined ? undefined : overview.certificates.find((each) => each.pool === undefined);
}

/** Pools that there is something of. */
export function poolsOf({ certificates, nodes }: CertificateOverview): readonly string[] {
  const pools = [...nodes, ...certificates].flatMap(({ pool }) => pool ?? []);
  return [...new Set(pools)].sort();
}

/** That one may be told from another: as people compare it, in hexadecimal digits. */
export function hexOf(base64url: string): string {
  const bytes = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return [...bytes].map((each) => each.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}
