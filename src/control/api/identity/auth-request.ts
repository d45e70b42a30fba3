import { type Static, Type } from "typebox";
import { Compile } from "typebox/schema";
import { Secret } from "#base/secret.ts";
import { DOMAIN } from "./domain.ts";
import { IdentityFault } from "./fault.ts";

const limits = {
  /** Of a name that is looked up at all. */
  nameCharacters: 128,
  secretCharacters: 1024,
} as const;

const Name = Type.String({ minLength: 1, maxLength: limits.nameCharacters });
const SecretText = Type.String({ minLength: 1, maxLength: limits.secretCharacters });
const Domain = Type.Object({ id: Type.Optional(Name), name: Type.Optional(Name) });

/** As much of Keystone's request as is for us; what else stands there is not looked at. */
const AuthRequest = Type.Object({
  auth: Type.Object({
    identity: Type.Object({
      methods: Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 8 }),
      password: Type.Optional(
        Type.Object({
          user: Type.Object({
            id: Type.Optional(Name),
            name: Type.Optional(Name),
            domain: Type.Optional(Domain),
            password: SecretText,
          }),
        }),
      ),
      token: Type.Optional(Type.Object({ id: SecretText })),
      application_credential: Type.Optional(Type.Object({ id: Name, secret: SecretText })),
    }),
    scope: Type.Optional(Type.Unknown()),
  }),
});
const authRequest = Compile(AuthRequest);

const Scope = Compile(
  Type.Object({
    project: Type.Object({
      id: Type.Optional(Name),
      name: Type.Optional(Name),
      domain: Type.Optional(Domain),
    }),
  }),
);

/** By what somebody shows who they are. */
type Proof =
  | { readonly method: "password"; readonly name: string; readonly secret: Secret }
  | { readonly method: "application_credential"; readonly name: string; readonly secret: Secret }
  | { readonly method: "token"; readonly token: string };

export interface Asked {
  readonly proof: Proof;
  /** Of a project, its id or its name; absent: none is meant. */
  readonly project: string | undefined;
}

/** Reads `POST /auth/tokens`. Throws Keystone's fault for what it is not, and for a domain that there is not. */
export function readAuthRequest(text: unknown): Asked {
  const body = parse(text);
  if (!authRequest.Check(body))
    throw new IdentityFault(400, "Expecting to find a valid auth request in the request body.");
  const { identity, scope } = body.auth;
  return { proof: proofOf(identity), project: projectOf(scope) };
}

function proofOf(identity: Static<typeof AuthRequest>["auth"]["identity"]): Proof {
  const { methods, password, token, application_credential: credential } = identity;
  const [method, ...others] = methods;
  if (others.length > 0) throw new IdentityFault(401, "One method is taken here at a time.");
  if (method === "password" && password !== undefined) {
    const { id, name = id, domain, password: secret } = password.user;
    requireOurDomain(domain);
    if (name !== undefined) return { method, name, secret: new Secret(secret) };
  }
  if (method === "token" && token !== undefined) return { method, token: token.id };
  if (method === "application_credential" && credential !== undefined)
    return { method, name: credential.id, secret: new Secret(credential.secret) };
  throw new IdentityFault(401, "Attempted to authenticate with an unsupported method.");
}

/** Keystone's scopes of a domain, of the system and of a trust are nothing here. */
function projectOf(scope: unknown): string | undefined {
  if (scope === undefined || scope === "unscoped") return undefined;
  if (!Scope.Check(scope)) throw IdentityFault.unauthenticated();
  const { id, name, domain } = scope.project;
  requireOurDomain(domain);
  const project = id ?? name;
  if (project === undefined) throw IdentityFault.unauthenticated();
  return project;
}

function requireOurDomain(domain: Static<typeof Domain> | undefined): void {
  const { id = DOMAIN.id, name = DOMAIN.name } = domain ?? {};
  if (id !== DOMAIN.id || name.toLowerCase() !== DOMAIN.name.toLowerCase())
    throw IdentityFault.unauthenticated();
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    throw new IdentityFault(400, "The request body is not valid JSON.");
  }
}
