import { type Static, type TSchema, Type } from "typebox";
import { HYPERVISOR_STEPS } from "#wire/hypervisors.ts";
import { NewMachineTls } from "#wire/machine-security.ts";

/** Of the address of a machine, as a command names it: it stands in tickets and tables. */
export const ADDRESS = /^[\x21-\x7e]{1,256}$/;

const limits = {
  /** More than control takes of one hypervisor. */
  machines: 20_000,
  consoles: 64,
  messageCharacters: 2_000,
  /** In base64: a picture of 16 MiB. */
  pictureCharacters: 22_369_624,
} as const;

const strict = { additionalProperties: false } as const;

const Console = Type.Object(
  {
    protocol: Type.Enum(["rfb", "serial"]),
    exclusive: Type.Optional(
      Type.Boolean({ description: "It bears one connection at a time; serial lines do" }),
    ),
  },
  strict,
);

const Machine = Type.Object(
  {
    address: Type.String({
      pattern: ADDRESS.source,
      description: "By which it is asked for; it names this machine for ever, and none that comes after it",
    }),
    name: Type.String({ minLength: 1, maxLength: 256 }),
    power: Type.Enum(["running", "paused", "stopped", "unknown"]),
    guest: Type.Optional(Type.Enum(["linux", "windows", "bsd", "macos", "other", "unknown"])),
    consoles: Type.Optional(
      Type.Array(Console, {
        maxItems: limits.consoles,
        description: "Those that it has now; asked for by “machine” alone",
      }),
    ),
  },
  strict,
);
export type Machine = Static<typeof Machine>;

const secrets = {
  password: Type.Optional(Type.String({ maxLength: 255 })),
  username: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  tls: Type.Optional(NewMachineTls),
};
const place = {
  host: Type.String({
    pattern: "^[A-Za-z0-9._:-]{1,253}$",
    description: "A name or an address, as a node reaches it",
  }),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
};
const socket = Type.String({
  pattern: "^/[^\\x00-\\x1f]{1,106}$",
  description: "A UNIX socket on the node",
});
const CommandUpstream = Type.Union([
  Type.Object({ ...place, ...secrets }, strict),
  Type.Object({ socket, ...secrets }, strict),
]);
export type CommandUpstream = Static<typeof CommandUpstream>;

const telnet = Type.Optional(
  Type.Literal(true, { description: "Telnet is spoken there (RFC 854); bare bytes if absent" }),
);
/** Nobody signs in to a line, and TLS is around it from the first byte on, or nowhere. */
const CommandLine = Type.Union([
  Type.Object({ ...place, telnet, tls: Type.Optional(NewMachineTls) }, strict),
  Type.Object({ socket, telnet }, strict),
]);
export type CommandLine = Static<typeof CommandLine>;

/** What there is to ask, and what is answered: the first word of the command line, and one JSON object on standard output. */
export const ANSWERS = {
  list: Type.Object({ machines: Type.Array(Machine, { maxItems: limits.machines }) }, strict),
  machine: Type.Object({ machine: Type.Union([Machine, Type.Null()]) }, strict),
  /** By a name of its own, so that a command that does not look at what was asked for has no screen taken for a line. */
  resolve: Type.Union([
    Type.Object({ upstream: CommandUpstream }, strict),
    Type.Object({ line: CommandLine }, strict),
  ]),
  power: Type.Object({}, strict),
  screenshot: Type.Object(
    {
      mediaType: Type.String({ pattern: "^image/[a-z0-9.+-]{1,64}$" }),
      base64: Type.String({
        minLength: 1,
        maxLength: limits.pictureCharacters,
        pattern: "^[A-Za-z0-9+/]*={0,2}$",
      }),
    },
    strict,
  ),
} as const satisfies Record<string, TSchema>;
export type Verb = keyof typeof ANSWERS;
export type Answer<Asked extends Verb> = Static<(typeof ANSWERS)[Asked]>;

/** What is answered in place of that, with status 0 as well. */
export const Refusal = Type.Object(
  {
    error: Type.Object(
      {
        reason: Type.Enum(["machine_gone", "machine_not_running", "not_supported", ...HYPERVISOR_STEPS]),
        message: Type.String({
          minLength: 1,
          maxLength: limits.messageCharacters,
          description: "For administrators, without secrets",
        }),
      },
      strict,
    ),
  },
  strict,
);
export type Refusal = Static<typeof Refusal>;

/** What a command is told on standard input: one JSON object, and then the end. */
export const Request = Type.Object(
  {
    version: Type.Literal(1),
    target: Type.Optional(
      Type.String({ description: "What stands behind the executable's name in the hypervisor's address" }),
    ),
    readOnly: Type.Boolean({ description: "It is to show only; power is not asked for then" }),
    secret: Type.Optional(Type.String()),
    caCertificate: Type.Optional(Type.String()),
    clientCertificate: Type.Optional(Type.String()),
    clientKey: Type.Optional(Type.String()),
    sshKey: Type.Optional(Type.String()),
    sshKnownHosts: Type.Optional(Type.String()),
    address: Type.Optional(Type.String({ description: "Of the machine, but for “list”" })),
    protocol: Type.Optional(
      Type.Enum(["rfb", "serial"], {
        description: "Of “resolve”: “upstream” is answered where it is rfb, and “line” where it is serial",
      }),
    ),
    action: Type.Optional(
      Type.Enum(["start", "stop", "cut", "restart", "reset"], {
        description: "Of “power”: stop and restart ask the guest, cut and reset do not",
      }),
    ),
  },
  strict,
);
export type Request = Static<typeof Request>;
