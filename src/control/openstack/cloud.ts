import { type Static, Type } from "typebox";
import { Compile } from "typebox/schema";
import { parse } from "yaml";
import { Secret } from "#base/secret.ts";

const text = Type.Optional(Type.String({ minLength: 1, maxLength: 4096 }));
const Auth = Type.Object(
  {
    auth_url: text,
    endpoint: text,
    token: text,
    username: text,
    user_id: text,
    password: text,
    user_domain_id: text,
    user_domain_name: text,
    project_id: text,
    project_name: text,
    project_domain_id: text,
    project_domain_name: text,
    application_credential_id: text,
    application_credential_secret: text,
  },
  { additionalProperties: false },
);
type Auth = Static<typeof Auth>;

const CLOUDS = Compile(
  Type.Object({
    clouds: Type.Record(
      Type.String(),
      Type.Object(
        {
          auth_type: text,
          auth: Auth,
          compute_endpoint_override: text,
          cacert: text,
          identity_api_version: Type.Unknown(),
          region_name: text,
        },
        { additionalProperties: false, required: ["auth"] },
      ),
    ),
  }),
);

/** What Keystone is asked for a token with (Identity API v3, "Password authentication" and "Authenticating with an application credential"). */
export interface Keystone {
  readonly kind: "keystone";
  /** Where `/auth/tokens` is. */
  readonly url: URL;
  /** The body, which holds a password or a secret. */
  readonly request: Secret;
}

/** An OpenStack, and as whom its services are asked. */
export interface Cloud {
  /** The compute API, with its version and without a slash behind it. */
  readonly compute: URL;
  /** A file with the authorities by which it and Keystone are known; the system's if absent. */
  readonly caFile: string | undefined;
  readonly auth: Keystone | { readonly kind: "token"; readonly token: Secret };
}

/**
 * Reads a clouds.yaml (openstacksdk, "Configuring OpenStack SDK Applications") that has one cloud. What is not understood is refused,
 * and not passed over. Throws an Error that says what is wrong with it, without a word out of it but names.
 */
export function readCloud(yaml: string): Cloud {
  const { auth_type: type = "password", auth, compute_endpoint_override: compute, cacert } = onlyCloud(yaml);
  const endpoint = compute ?? auth.endpoint;
  if (endpoint === undefined)
    throw new Error("compute_endpoint_override is missing: where the compute API is");
  return {
    compute: parseUrl("compute_endpoint_override", endpoint),
    caFile: cacert,
    auth: authOf(type, auth),
  };
}

function onlyCloud(yaml: string) {
  let value: unknown;
  try {
    // What a name stands for more than once grows without end.
    value = parse(yaml, { maxAliasCount: 0, logLevel: "error" });
  } catch {
    // Its own words show a piece of the text, in which there are secrets.
    throw new Error("it is no YAML");
  }
  if (!CLOUDS.Check(value)) {
    const [, [first]] = CLOUDS.Errors(value);
    throw new Error(
      `it is no clouds.yaml that is understood: ${first?.instancePath ?? ""} ${first?.message ?? ""}`,
    );
  }
  const [cloud, second] = Object.values(value.clouds);
  if (cloud === undefined || second !== undefined) throw new Error("it must have one cloud, and no other");
  return cloud;
}

function authOf(type: string, auth: Auth): Cloud["auth"] {
  switch (type) {
    case "admin_token":
    case "v3token":
    case "token":
      return { kind: "token", token: new Secret(required(auth, "token")) };
    case "password":
    case "v3password":
      return keystone(auth, { identity: password(auth), scope: { project: project(auth) } });
    case "v3applicationcredential":
      return keystone(auth, { identity: applicationCredential(auth) });
    default:
      throw new Error("auth_type must be password, v3applicationcredential or admin_token");
  }
}

function keystone(auth: Auth, request: object): Keystone {
  const url = parseUrl("auth_url", required(auth, "auth_url"));
  if (!url.pathname.endsWith("/v3")) url.pathname = `${url.pathname.replace(/\/$/, "")}/v3`;
  return { kind: "keystone", url, request: new Secret(JSON.stringify({ auth: request })) };
}

function password(auth: Auth): object {
  const user = {
    ...(auth.user_id === undefined
      ? { name: required(auth, "username"), domain: domain(auth.user_domain_id, auth.user_domain_name) }
      : { id: auth.user_id }),
    password: required(auth, "password"),
  };
  return { methods: ["password"], password: { user } };
}

function applicationCredential(auth: Auth): object {
  const id = required(auth, "application_credential_id");
  const secret = required(auth, "application_credential_secret");
  return { methods: ["application_credential"], application_credential: { id, secret } };
}

function project(auth: Auth): object {
  if (auth.project_id !== undefined) return { id: auth.project_id };
  const name = required(auth, "project_name");
  return { name, domain: domain(auth.project_domain_id, auth.project_domain_name) };
}

/** `default`, as OpenStack's own clients have it, where nothing is said. */
function domain(id: string | undefined, name: string | undefined): object {
  return id === undefined && name !== undefined ? { name } : { id: id ?? "default" };
}

function required(auth: Auth, name: keyof Auth): string {
  const value = auth[name];
  if (value === undefined) throw new Error(`auth.${name} is missing`);
  return value;
}

function parseUrl(name: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isPlain = url?.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (url === undefined || !isPlain || !/^https?:$/.test(url.protocol))
    throw new Error(`${name} must be an http:// or https:// URL without credentials, query and fragment`);
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}
