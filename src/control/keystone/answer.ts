import { Type } from "typebox";
import { Compile } from "typebox/schema";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";

const limits = {
  /** Of a name or an id; Keystone's own have 255 and 64 at most. */
  textCharacters: 255,
  /** Of one token. */
  roles: 1_000,
} as const;

/** What Keystone says of a token. */
export interface Said {
  readonly user: { readonly id: string; readonly name: string; readonly domain: string };
  /** For which it is; absent where it is for a domain, for the whole system, or for nothing. */
  readonly project?: {
    readonly id: string;
    readonly name: string;
    readonly domain: { readonly id: string; readonly name: string };
  };
  /** Names, in lower case. */
  readonly roles: readonly string[];
  readonly expiresAt: number;
}

const Text = Type.String({ minLength: 1, maxLength: limits.textCharacters });
const Domain = Type.Object({ id: Text, name: Text });

const isTokenDocument = Compile(
  Type.Object({
    token: Type.Object({
      expires_at: Text,
      user: Type.Object({ id: Text, name: Text, domain: Domain }),
      project: Type.Optional(Type.Object({ id: Text, name: Text, domain: Domain })),
      roles: Type.Optional(Type.Array(Type.Object({ name: Text }), { maxItems: limits.roles })),
    }),
  }),
);

/** Reads the body of `GET` and `POST /v3/auth/tokens`. Throws a HypervisorError of the step `answer`, without what stands in it. */
export function readToken(body: Buffer): Said {
  const document = parse(body);
  if (!isTokenDocument.Check(document)) throw unreadable("it is no token of the identity API, version 3");
  const { user, project, roles = [], expires_at: expires } = document.token;
  const expiresAt = Date.parse(expires);
  if (!Number.isFinite(expiresAt)) throw unreadable("the token's end is no time");
  return {
    user: { id: user.id, name: user.name, domain: user.domain.name },
    ...(project === undefined ? {} : { project }),
    roles: roles.map(({ name }) => name.toLowerCase()),
    expiresAt,
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw unreadable("it is no JSON", cause);
  }
}

function unreadable(reason: string, cause?: unknown): HypervisorError {
  return new HypervisorError("answer", `what answers cannot be understood: ${reason}`, { cause });
}
