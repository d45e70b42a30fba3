import { hash } from "node:crypto";
import type { IdentityToken } from "../../accounts/identity-service.ts";
import { DOMAIN } from "./domain.ts";

/** What a token is good for, as Keystone tells it: who, in which project, until when, and where everything is. */
export function tokenDocument(
  token: string,
  { caller, project, issuedAt, expiresAt }: IdentityToken,
  places: {
    readonly methods: readonly string[];
    readonly compute: string;
    readonly identity: string;
    readonly image: string;
  },
): unknown {
  const { methods, compute, identity, image } = places;
  return {
    token: {
      methods,
      user: { id: caller.accountId, name: caller.name, domain: DOMAIN, password_expires_at: null },
      ...(project === undefined ? {} : { project: { ...project, domain: DOMAIN } }),
      is_domain: false,
      roles: rolesOf(caller.role).map((name) => ({ id: name, name })),
      audit_ids: [hash("sha256", `audit ${token}`, "base64url").slice(0, 22)],
      issued_at: keystoneTime(issuedAt),
      expires_at: keystoneTime(expiresAt),
      catalog: [
        service("compute", "nova", compute),
        service("identity", "keystone", identity),
        service("image", "glance", image),
      ],
    },
  };
}

function rolesOf(role: "admin" | "member"): readonly string[] {
  return role === "admin" ? ["admin", "member", "reader"] : ["member", "reader"];
}

function service(type: string, name: string, url: string) {
  const region = { region: "RegionOne", region_id: "RegionOne" };
  return {
    ...{ id: type, type, name },
    endpoints: [{ id: `${type}-public`, interface: "public", url, ...region }],
  };
}

/** With microseconds, which are none. */
function keystoneTime(time: Date): string {
  return time.toISOString().replace("Z", "000Z");
}
