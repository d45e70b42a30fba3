import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect, type DetailedPeerCertificate } from "node:tls";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import { fingerprint } from "#tls/node-identity.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { type JoinRequest, LINK_PATHS } from "#wire/link.ts";
import { withDeadline } from "../deadline.ts";
import { ignoreError } from "../ignore-error.ts";
import { isJoinResponse } from "./answers.ts";
import { checkIssued } from "./check-issued.ts";
import { controlAddress } from "./control-address.ts";
import type { Identity } from "./identity.ts";
import { post } from "./post.ts";
import { unreachable } from "./refusal.ts";

const deadlines = {
  /** One TLS handshake, to see control's authority. */
  firstContactMs: 10_000,
  joinMs: 20_000,
} as const;

/** What a node joins with, and the fingerprint of the CA by which it knows control. */
export interface Introduction {
  readonly authorityFingerprint: string;
  readonly shown: Pick<JoinRequest, "joinToken" | "serviceAccountToken">;
}

/** A join token names the installation's CA by its fingerprint. Throws `join_token_invalid`. */
export function introduceBy(joinToken: string): Introduction {
  const authorityFingerprint = /^([A-Za-z0-9_-]{43})\.[A-Za-z0-9_-]+$/.exec(joinToken)?.[1];
  if (authorityFingerprint === undefined)
    throw new GatewayError("join_token_invalid", { detail: "it does not have the form of a join token" });
  return { authorityFingerprint, shown: { joinToken } };
}

/**
 * Becomes a node of an installation. The fingerprint of the installation's CA is known beforehand, so control is known
 * before anything is said to it: what the node joins with goes only to who can show a certificate of that CA.
 * Throws a GatewayError.
 */
export async function join(
  control: string,
  { authorityFingerprint, shown }: Introduction,
  signal: AbortSignal,
): Promise<Identity> {
  const authority = await meetAuthority(new URL(control), authorityFingerprint, signal);
  const { request, privateKey } = await createCertificateRequest();
  const url = new URL(LINK_PATHS.join, control);
  const body: JoinRequest = { ...shown, certificateRequest: request };
  const answer = await withDeadline(
    deadlines.joinMs,
    signal,
    async (limited) => await post({ url, authority, body, signal: limited }),
  );
  if (!isJoinResponse(answer)) throw unreachable(new Error("control's answer is not one to a join"));
  const { nodeId, certificate } = answer;
  return checkIssued({ nodeId, certificate, privateKey, authority });
}

/** The CA's certificate, PEM, out of the chain that control shows, if it is the one with the fingerprint. */
async function meetAuthority(control: URL, expected: string, signal: AbortSignal): Promise<string> {
  const chain = await shownChain(control, signal);
  const authority = chain.find((certificate) => fingerprint(certificate) === expected);
  if (authority === undefined)
    throw new GatewayError("join_token_invalid", {
      detail: "it is of another installation than this control",
    });
  return new X509Certificate(authority.raw).toString();
}

/**
 * Looks at what a server shows, and trusts none of it: the connection is closed without a word, and the next one
 * is checked in full against what was learned here.
 */
async function shownChain(control: URL, stop: AbortSignal): Promise<readonly DetailedPeerCertificate[]> {
  const socket = connect({ ...controlAddress(control), rejectUnauthorized: false });
  socket.on("error", ignoreError); // Also after the handshake; `once` below tells of those that matter.
  try {
    await withDeadline(deadlines.firstContactMs, stop, async (signal) => {
      await once(socket, "secureConnect", { signal });
    });
    return chainOf(socket.getPeerCertificate(true));
  } catch (cause) {
    throw new GatewayError("control_unreachable", { cause });
  } finally {
    socket.destroy();
  }
}

/** A self-signed certificate is its own issuer, and one whose issuer was not shown has none. */
function chainOf(leaf: DetailedPeerCertificate): readonly DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  let next: DetailedPeerCertificate | undefined = leaf;
  while (next?.raw !== undefined && !chain.includes(next)) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}
