import type { Node } from "#wire/api.ts";
import type { Certificate } from "#wire/certificate.ts";
import { daysLeft, lasting, lastingOf } from "#wire/certificate-end.ts";
import { type CertificateOverview, standingOf } from "./overview.ts";

/** What an administrator is to hear of, whichever page is open. `days` are those that are left; below 1 it has ended. */
export type Notice =
  | { readonly kind: "uploaded-ends"; readonly certificate: Certificate; readonly days: number }
  | { readonly kind: "own-ends"; readonly nodes: readonly Node[]; readonly days: number }
  | { readonly kind: "authority-ends"; readonly days: number }
  | { readonly kind: "refused" | "flawed"; readonly nodes: readonly Node[] };

/** The gravest first. With TLS off, nobody is shown a certificate. */
export function noticesOf(overview: CertificateOverview, now: number): readonly Notice[] {
  if (!overview.isTls) return [];
  const endsSoon = (end: string | undefined): end is string =>
    end !== undefined && lasting(Date.parse(end), now) !== "good";
  const days = (end: string) => daysLeft(Date.parse(end), now);

  const uploaded = overview.certificates
    .filter((certificate) => lastingOf(certificate, now) !== "good")
    .map((certificate) => ({
      kind: "uploaded-ends" as const,
      certificate,
      days: days(certificate.notAfter),
    }));
  // Porthole renews these a month ahead: they end only where that has not come about.
  const own = overview.nodes.flatMap((node) => {
    const { certificate } = node;
    const isOwn = certificate !== undefined && certificate.chainId === undefined && node.agentState === "up";
    return isOwn && endsSoon(certificate.notAfter) ? [{ node, days: days(certificate.notAfter) }] : [];
  });
  const { notAfter: end } = overview.authority;
  const troubled = (["refused", "flawed"] as const).flatMap((kind) => {
    const nodes = overview.nodes.filter((node) => standingOf(node, overview) === kind);
    return nodes.length === 0 ? [] : [{ kind, nodes }];
  });

  return [
    ...uploaded.sort((a, b) => a.days - b.days),
    ...troubled,
    ...(own.length === 0
      ? []
      : [
          {
            kind: "own-ends" as const,
            nodes: own.map(({ node }) => node),
            days: Math.min(...own.map((each) => each.days)),
          },
        ]),
    ...(endsSoon(end) ? [{ kind: "authority-ends" as const, days: days(end) }] : []),
  ];
}
