import type { Finding } from "#wire/findings.ts";
import type { CheckName, Seen } from "#wire/self-check.ts";
import type { CheckedNode } from "./checked-nodes.ts";

const limits = {
  /** A certificate ends soon within so many days: later than any renewal by itself. */
  soonMs: 14 * 24 * 60 * 60 * 1000,
} as const;

/** What control has from the node itself: that it is heard of, and what it serves. */
export function nodeLines(
  node: CheckedNode,
  context: { readonly now: number; readonly version: string; readonly wantsTls: boolean },
): readonly Seen<CheckName>[] {
  return [linkLine(node, context), ...certificateLines(node, context)];
}

function linkLine(
  node: CheckedNode,
  { now, version }: { readonly now: number; readonly version: string },
): Seen<CheckName> {
  return {
    check: "control.link",
    ...subjectOf(node),
    finding: linkFinding(node, version),
    facts: {
      ...(node.state === "never"
        ? {}
        : { "silent for": `${Math.max(0, Math.round((now - node.seenAt) / 1000))} s` }),
      version: node.version,
      pool: node.pool,
    },
  };
}

function linkFinding({ state, isDraining, version }: CheckedNode, ours: string): Finding {
  switch (state) {
    case "revoked":
      return "link_refused";
    case "never":
      return "link_never";
    case "stopped":
      return "link_stopped";
    case "down":
      return "link_down";
    case "up":
      if (isDraining) return "link_draining";
      return version === ours ? "ok" : "link_version";
    default:
      return state satisfies never;
  }
}

/** Of a node that is away what it served is of no interest. */
function certificateLines(
  node: CheckedNode,
  { now, wantsTls }: { readonly now: number; readonly wantsTls: boolean },
): readonly Seen<CheckName>[] {
  if (node.state !== "up") return [];
  const { certificate, certificateProblem: problem } = node;
  return [
    {
      check: "control.certificate",
      ...subjectOf(node),
      finding: certificateFinding(node, now, wantsTls),
      facts: {
        ...(certificate === undefined
          ? {}
          : { certificate: certificate.id, ends: new Date(certificate.notAfter).toISOString() }),
        ...(problem === undefined ? {} : { problem }),
      },
    },
  ];
}

function certificateFinding(
  { certificate, certificateProblem, own }: CheckedNode,
  now: number,
  wantsTls: boolean,
): Finding {
  if (certificateProblem !== undefined) return "certificate_refused";
  if (certificate === undefined) {
    if (wantsTls) return "certificate_missing";
    return own?.pageOrigin.startsWith("https:") === true ? "skipped_tls_ahead" : "skipped_plain";
  }
  if (certificate.notAfter <= now) return "tls_expired";
  return certificate.notAfter - now < limits.soonMs ? "tls_ends_soon" : "ok";
}

function subjectOf({ id, own }: CheckedNode): Pick<Seen, "nodeId" | "subject"> {
  return { nodeId: id, ...(own === undefined ? {} : { subject: own.pageOrigin }) };
}
