import { X509Certificate } from "node:crypto";
import { Secret } from "#base/secret.ts";
import { pemBlocks } from "#tls/certificate/pem.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import {
  type KeystoneChange,
  type KeystoneCredentials,
  type KeystoneRight,
  keystoneLimits,
} from "#wire/keystone.ts";
import type { KeystoneTable } from "./keystone-tables.ts";

const limits = {
  /** The root and what is between it and Keystone, of the old authority and of the new one. */
  authorities: 8,
} as const;

/** Where Keystone's own set-up puts everybody. */
const FIRST_DOMAIN = "Default";

/** What is to be changed, as the columns have it. */
export interface CheckedChange {
  readonly columns: Partial<
    Pick<
      KeystoneTable,
      | "url"
      | "public_url"
      | "ca_certificate"
      | "username"
      | "user_domain"
      | "project"
      | "project_domain"
      | "makes_projects"
    >
  >;
  readonly secret: Secret | undefined;
}

/** Throws `request_invalid` that says which field is wrong, and never what stands in it. */
export function checkChange(change: KeystoneChange): CheckedChange {
  const { url, publicUrl, caCertificate, credentials, makesProjects } = change;
  return {
    columns: {
      ...(url === undefined ? {} : { url: identityUrl("url", url) }),
      ...(publicUrl === undefined
        ? {}
        : { public_url: publicUrl === null ? null : identityUrl("publicUrl", publicUrl) }),
      ...(caCertificate === undefined
        ? {}
        : { ca_certificate: caCertificate === null ? null : authorities(caCertificate) }),
      ...(credentials === undefined ? {} : userColumns(credentials)),
      ...(makesProjects === undefined ? {} : { makes_projects: makesProjects ? (1 as const) : (0 as const) }),
    },
    secret: credentials === undefined ? undefined : secretOf(credentials),
  };
}

/** By roles' names in lower case. Throws `limit_reached`. */
export function changedRoles(
  before: Readonly<Record<string, KeystoneRight>>,
  changes: NonNullable<KeystoneChange["roles"]>,
): Readonly<Record<string, KeystoneRight>> {
  const roles = new Map(Object.entries(before));
  for (const { role, right } of changes) {
    const name = role.trim().toLowerCase();
    if (right === null) roles.delete(name);
    else roles.set(name, right);
  }
  if (roles.size > keystoneLimits.roles)
    throw new GatewayError("limit_reached", { detail: `${keystoneLimits.roles} roles` });
  return Object.fromEntries(roles);
}

/** As mappings are looked up: an id, or DOMAIN/NAME. */
export function projectReference(text: string): string {
  const reference = text.normalize("NFC").trim();
  // A slash in a name could stand for the one between domain and name, so that somebody's project looks like another's.
  if (!/^[^/\p{C}]+(?:\/[^/\p{C}]+)?$/u.test(reference))
    throw invalid(
      "projects",
      "must be a project's id, or DOMAIN/NAME; where either has a slash in it, the id",
    );
  return reference;
}

function identityUrl(field: string, text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  const isBare = url !== undefined && `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (url?.protocol !== "https:" || !isBare)
    throw invalid(field, "must be an https:// URL, such as https://keystone.example.com:5000/v3");
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path.endsWith("/v3") ? path : `${path}/v3`}`;
}

function authorities(text: string): string {
  const blocks = pemBlocks(text).filter(({ label }) => label === "CERTIFICATE");
  if (blocks.length === 0 || blocks.length > limits.authorities)
    throw invalid("caCertificate", `must be 1 to ${limits.authorities} certificates, as PEM`);
  return blocks.map((block) => readable(block.text)).join("");
}

function readable(pem: string): string {
  try {
    return new X509Certificate(pem).toString();
  } catch (cause) {
    throw invalid("caCertificate", "there is a certificate that cannot be read", cause);
  }
}

function userColumns(credentials: KeystoneCredentials) {
  if ("applicationCredentialId" in credentials)
    return {
      username: credentials.applicationCredentialId,
      user_domain: null,
      project: null,
      project_domain: null,
    };
  const { username, userDomain = FIRST_DOMAIN, project, projectDomain = FIRST_DOMAIN } = credentials;
  return { username, user_domain: userDomain, project, project_domain: projectDomain };
}

function secretOf(credentials: KeystoneCredentials): Secret {
  return new Secret("secret" in credentials ? credentials.secret : credentials.password);
}

function invalid(field: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError("request_invalid", { cause, detail: `${field}: ${reason}` });
}
