import { type Static, Type } from "typebox";
import { Id, Name, Time } from "./api.ts";

/**
 * On the way to a hypervisor, in the order in which they are taken; no way has all of them. Whatever fails says at which
 * it did.
 */
const HYPERVISOR_STEPS = [
  "dns",
  "tcp",
  "socket",
  "tls",
  "host-key",
  "credentials",
  "answer",
  "rights",
] as const;
export type HypervisorStep = (typeof HYPERVISOR_STEPS)[number];

export const HYPERVISOR_PLATFORMS = ["libvirt"] as const;
const Platform = Type.Enum([...HYPERVISOR_PLATFORMS]);

const Address = Type.String({
  minLength: 1,
  maxLength: 512,
  description:
    "As libvirt's own tools have it: qemu+tls://HOST/system, qemu+ssh://USER@HOST/system, qemu:///system",
});
const Pem = Type.String({ minLength: 1, maxLength: 65_536 });

/** What may be needed to get in. Kept encrypted, and never told again. */
export const HypervisorCredentials = Type.Object(
  {
    caCertificate: Type.Optional(Pem),
    clientCertificate: Type.Optional(Pem),
    clientKey: Type.Optional(Pem),
    sshKey: Type.Optional(Pem),
    sshKnownHosts: Type.Optional(Pem),
  },
  { additionalProperties: false },
);
export type HypervisorCredentials = Static<typeof HypervisorCredentials>;

export const NewHypervisor = Type.Object(
  {
    name: Name,
    platform: Platform,
    address: Address,
    credentials: Type.Optional(HypervisorCredentials),
    readOnly: Type.Optional(
      Type.Boolean({ description: "Asked to show only: nothing can be switched, and passwords stay hidden" }),
    ),
  },
  { additionalProperties: false },
);
export type NewHypervisor = Static<typeof NewHypervisor>;

export const Hypervisor = Type.Object({
  id: Id,
  name: Name,
  platform: Platform,
  address: Address,
  readOnly: Type.Boolean(),
  createdAt: Time,
});
export type Hypervisor = Static<typeof Hypervisor>;

/** How the way to a hypervisor was, just now. */
export const HypervisorTest = Type.Object({
  ok: Type.Boolean(),
  failedStep: Type.Optional(Type.Enum([...HYPERVISOR_STEPS])),
  detail: Type.Optional(Type.String({ description: "What was said at the step that failed" })),
  machines: Type.Optional(Type.Integer({ description: "How many it has" })),
});
export type HypervisorTest = Static<typeof HypervisorTest>;
