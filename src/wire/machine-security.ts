import { type Static, Type } from "typebox";

/** How the certificate of a machine's hypervisor is judged. */
export const TLS_MODES = ["verify", "pin", "insecure"] as const;

const PEM = { minLength: 1, maxLength: 16_384 };
const tlsFields = {
  mode: Type.Enum([...TLS_MODES], {
    description:
      "How the hypervisor's certificate is judged: by an authority and its name; by its fingerprint; or not at all",
  }),
  ca: Type.Optional(
    Type.String({
      ...PEM,
      description: "PEM: the authorities that are trusted for it; those of the nodes' systems if absent",
    }),
  ),
  serverName: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 253,
      description: "The name or address that it has to be for; the host of the machine's address if absent",
    }),
  ),
  pin: Type.Optional(
    Type.String({
      maxLength: 128,
      description:
        "sha256: or sha1:, and its fingerprint in hexadecimal digits; or ra2:, and that of the RSA key of RA2, which is demanded in place of TLS",
    }),
  ),
  clientCertificate: Type.Optional(
    Type.String({ ...PEM, description: "PEM: by which the nodes show the hypervisor who they are" }),
  ),
};

/** The console is reached by TLS and not without. */
export const MachineTls = Type.Object(tlsFields);
export type MachineTls = Static<typeof MachineTls>;

/** The key is never shown again. */
export const NewMachineTls = Type.Object(
  { ...tlsFields, clientKey: Type.Optional(Type.String({ ...PEM, description: "PEM: its private key" })) },
  { additionalProperties: false },
);
export type NewMachineTls = Static<typeof NewMachineTls>;

/** VNC authentication uses the first eight characters (RFC 6143 §7.2.2). */
const Password = Type.String({ maxLength: 255 });
/** Whose password it is that the hypervisor asks for. */
const Username = Type.String({ minLength: 1, maxLength: 255 });

/** What is said of a new machine's security. */
export const NEW_SECURITY = {
  password: Type.Optional(Password),
  username: Type.Optional(Username),
  tls: Type.Optional(NewMachineTls),
};

/** And of one that is there; null takes it away. */
export const SECURITY_CHANGE = {
  password: Type.Optional(Type.Union([Password, Type.Null()])),
  username: Type.Optional(Type.Union([Username, Type.Null()])),
  /** As a whole: what is left out of it is not there any more. */
  tls: Type.Optional(Type.Union([NewMachineTls, Type.Null()])),
};
