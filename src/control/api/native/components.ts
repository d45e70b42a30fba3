import { type Static, type TSchema, Type } from "typebox";
import { Acme } from "#wire/acme.ts";
import {
  Account,
  ApiKey,
  Console,
  DnsZone,
  ErrorBody,
  JoinToken,
  Machine,
  NewApiKey,
  Node,
  type Page,
  Project,
  pageLimits,
  Session,
  Setting,
  SignInLink,
  TicketKeyGeneration,
} from "#wire/api.ts";
import { AuditRow } from "#wire/audit.ts";
import { Certificate, NodeAuthority } from "#wire/certificate.ts";
import { ERRORS, type ErrorCode } from "#wire/errors.ts";
import { Hypervisor, HypervisorTest, WaitingMachine } from "#wire/hypervisors.ts";
import { Keystone, KeystoneTest } from "#wire/keystone.ts";
import { PublicIpRange } from "#wire/public-ip-ranges.ts";
import { SelfCheck } from "#wire/self-check.ts";

/** The schemas of everything that is answered, under the names that the OpenAPI document gives them. */
export const COMPONENTS = {
  Account,
  Acme,
  ApiKey,
  AuditRow,
  Certificate,
  Console,
  DnsZone,
  Error: ErrorBody,
  Hypervisor,
  HypervisorTest,
  JoinToken,
  Keystone,
  KeystoneTest,
  Machine,
  NewApiKey,
  Node,
  NodeAuthority,
  Project,
  PublicIpRange,
  SelfCheck,
  Session,
  Setting,
  SignInLink,
  TicketKeyGeneration,
  WaitingMachine,
} as const satisfies Record<string, TSchema>;

export type ComponentName = keyof typeof COMPONENTS;

type Described = { readonly description: string };

/** A component as it stands inside another schema: by name in the document, by its own type here. */
export function ref<Name extends ComponentName>(name: Name, described?: Described) {
  return Type.Unsafe<Static<(typeof COMPONENTS)[Name]>>({ $ref: `${name}#`, ...described });
}

/** One page of a list; `next` is the `after` of the next one, absent on the last. */
export function pageOf<Name extends ComponentName>(name: Name, described: Described) {
  return Type.Unsafe<Page<Static<(typeof COMPONENTS)[Name]>>>(
    Type.Object({ items: Type.Array(ref(name)), next: Type.Optional(Type.String()) }, described),
  );
}

/** The whole of a list that is short by its nature. */
export function listOf<Name extends ComponentName>(name: Name, described: Described) {
  return Type.Unsafe<{ readonly items: readonly Static<(typeof COMPONENTS)[Name]>[] }>(
    Type.Object({ items: Type.Array(ref(name)) }, described),
  );
}

/** An answer without a body. */
export function nothing(described: Described) {
  return Type.Null(described);
}

/** Which page of a list; every paged list takes these. */
export const PAGE_QUERY = {
  after: Type.Optional(
    Type.String({ minLength: 1, maxLength: 512, description: "The `next` of the page before." }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: pageLimits.maximumItems,
      default: pageLimits.defaultItems,
      description: "How many items at most.",
    }),
  ),
} as const;

export const MACHINE_KEYWORD = Type.Optional(
  Type.String({
    maxLength: 128,
    description: "Machines whose name has this in it, in upper or lower case.",
  }),
);

/** A part of a path that names something. */
export const IdPart = Type.String({ minLength: 1, maxLength: 128 });
export const IdParams = Type.Object({ id: IdPart });

const EVERYWHERE = [
  "request_invalid",
  "unauthenticated",
  "forbidden",
  "host_unknown",
  "rate_limited",
  "internal",
] as const;

/**
 * The errors that an operation answers beside those that every one does, for its `response` schema. They have no
 * place in the type: a handler throws them.
 */
export function problems(...codes: readonly ErrorCode[]): Record<never, never> {
  const byStatus = Map.groupBy([...EVERYWHERE, ...codes], (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, alike]) => [
      status,
      ref("Error", { description: alike.map((code) => `\`${code}\`: ${ERRORS[code].meaning}`).join("\n\n") }),
    ]),
  );
}
