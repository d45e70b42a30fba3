import { type Static, Type } from "typebox";
import { Time } from "./api.ts";
import { HYPERVISOR_STEPS } from "./hypervisors.ts";

/**
 * What a role of Keystone's comes to here, from much to little: everything everywhere; to open consoles of the token's project; to open
 * them to look at alone; to see its machines and open none.
 */
export const KEYSTONE_RIGHTS = ["admin", "member", "viewer", "reader"] as const;
export type KeystoneRight = (typeof KEYSTONE_RIGHTS)[number];

export const keystoneLimits = {
  /** Of a change; a cloud has a handful. */
  roles: 50,
  /** Of one change. */
  projects: 500,
} as const;

const Url = Type.String({
  minLength: 1,
  maxLength: 2048,
  description: "Of the identity API, version 3, such as https://keystone.example.com:5000/v3",
});
const Role = Type.String({ minLength: 1, maxLength: 255, description: "By its name, in any letter case" });
const Theirs = Type.String({
  minLength: 1,
  maxLength: 320,
  description: "A project of Keystone's: its id, or DOMAIN/NAME with the domain's name or id",
});
const Ours = Type.String({ minLength: 1, maxLength: 128, description: "id or name of a project here" });
const Right = Type.Enum([...KEYSTONE_RIGHTS]);
const Part = Type.String({ minLength: 1, maxLength: 255 });
const SecretText = Type.String({ minLength: 1, maxLength: 4096, description: "It is never told again" });

/** As whom control asks Keystone. A new one takes the place of the one before as a whole. */
export const KeystoneCredentials = Type.Union([
  Type.Object(
    {
      username: Part,
      userDomain: Type.Optional(Part),
      project: Part,
      projectDomain: Type.Optional(Part),
      password: SecretText,
    },
    {
      additionalProperties: false,
      description: "A user of the role service or admin in that project. Domains are named by name; Default",
    },
  ),
  Type.Object(
    { applicationCredentialId: Part, secret: SecretText },
    { additionalProperties: false, description: "An application credential of such a user" },
  ),
]);
export type KeystoneCredentials = Static<typeof KeystoneCredentials>;

/** What is to be changed; what is absent stays as it is. */
export const KeystoneChange = Type.Object(
  {
    url: Type.Optional(Url),
    publicUrl: Type.Optional(
      Type.Union([Url, Type.Null()], {
        description: "What clients are pointed to, where they reach it by another URL than control does",
      }),
    ),
    caCertificate: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 65_536 }), Type.Null()], {
        description: "PEM: who signs its certificate; null: the authorities of control's system",
      }),
    ),
    credentials: Type.Optional(KeystoneCredentials),
    roles: Type.Optional(
      Type.Array(
        Type.Object({ role: Role, right: Type.Union([Right, Type.Null()]) }, { additionalProperties: false }),
        {
          maxItems: keystoneLimits.roles,
          description:
            "Each by itself; null: the role comes to nothing. Of several roles the greatest right counts",
        },
      ),
    ),
    projects: Type.Optional(
      Type.Array(
        Type.Object(
          { keystone: Theirs, project: Type.Union([Ours, Type.Null()]) },
          { additionalProperties: false },
        ),
        {
          maxItems: keystoneLimits.projects,
          description: "Each by itself; null: users of that project come in no more, and their consoles end",
        },
      ),
    ),
    makesProjects: Type.Optional(
      Type.Boolean({
        description:
          "Whether a project that is mapped to none gets a new one here, of its name, when the first of its users comes. Otherwise they are refused",
      }),
    ),
  },
  { additionalProperties: false },
);
export type KeystoneChange = Static<typeof KeystoneChange>;

/** The Keystone whose tokens are good at the Nova API. Secrets are never told. */
export const Keystone = Type.Object({
  state: Type.Enum(["off", "on"]),
  url: Type.Optional(Type.String()),
  publicUrl: Type.Optional(Type.String()),
  /** Subjects of the certificates that were given. */
  authorities: Type.Optional(Type.Array(Type.String())),
  /** As whom control asks. */
  username: Type.Optional(Type.String()),
  userDomain: Type.Optional(Type.String()),
  project: Type.Optional(Type.String()),
  projectDomain: Type.Optional(Type.String()),
  applicationCredentialId: Type.Optional(Type.String()),
  roles: Type.Optional(Type.Array(Type.Object({ role: Type.String(), right: Right }))),
  projects: Type.Optional(
    Type.Array(
      Type.Object({
        keystone: Type.String(),
        project: Type.String({ description: "Its name here" }),
        made: Type.Boolean({ description: "Whether it was made for that project" }),
      }),
    ),
  ),
  makesProjects: Type.Optional(Type.Boolean()),
});
export type Keystone = Static<typeof Keystone>;

/** How the way to Keystone was, just now. */
export const KeystoneTest = Type.Object({
  ok: Type.Boolean(),
  failedStep: Type.Optional(Type.Enum([...HYPERVISOR_STEPS])),
  detail: Type.Optional(
    Type.String({ description: "What was said at the step that failed, or what there is to mind" }),
  ),
  user: Type.Optional(Type.String({ description: "As whom control asks" })),
  roles: Type.Optional(Type.Array(Type.String(), { description: "Which roles that user has there" })),
  tokenEndsAt: Type.Optional(Time),
});
export type KeystoneTest = Static<typeof KeystoneTest>;
