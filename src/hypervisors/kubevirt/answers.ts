import { type Static, type TSchema, Type } from "typebox";

/** It stands in paths ("Object Names and IDs"). */
const NAME = "[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?";
const UID = "[A-Za-z0-9-]{1,64}";
/** NAMESPACE/NAME/UID */
export const ADDRESS = new RegExp(
  `^(?<namespace>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/(?<name>${NAME})/(?<uid>${UID})$`,
);

const Name = Type.String({ pattern: `^${NAME}$` });
const Uid = Type.String({ pattern: `^${UID}$` });
const text = Type.Optional(Type.String());
const Texts = Type.Optional(Type.Record(Type.String(), Type.String()));
const Version = Type.String({ pattern: "^[A-Za-z0-9._-]{1,128}$" });

const Metadata = Type.Object({
  name: Name,
  namespace: Name,
  uid: Uid,
  resourceVersion: Version,
  labels: Texts,
  annotations: Texts,
  ownerReferences: Type.Optional(Type.Array(Type.Object({ kind: Type.String(), name: Name, uid: Uid }))),
});

const instanceSpec = {
  domain: Type.Optional(
    Type.Object({
      devices: Type.Optional(
        Type.Object({
          autoattachGraphicsDevice: Type.Optional(Type.Boolean()),
          autoattachSerialConsole: Type.Optional(Type.Boolean()),
        }),
      ),
    }),
  ),
};
const machineSpec = {
  template: Type.Optional(
    Type.Object({
      metadata: Type.Optional(Type.Object({ labels: Texts, annotations: Texts })),
      spec: Type.Optional(Type.Object(instanceSpec)),
    }),
  ),
  preference: Type.Optional(Type.Object({ name: text })),
};
const instanceStatus = {
  phase: text,
  guestOSInfo: Type.Optional(Type.Object({ id: text, name: text })),
  conditions: Type.Optional(Type.Array(Type.Object({ type: Type.String(), status: Type.String() }))),
};
const machineStatus = { printableStatus: text };

/** KubeVirt's kubevirt.io/v1 (staging/src/kubevirt.io/api/core/v1/types.go), as far as it is looked at. */
const Machine = Type.Object({
  metadata: Metadata,
  spec: Type.Optional(Type.Object(machineSpec)),
  status: Type.Optional(Type.Object(machineStatus)),
});
export type Machine = Static<typeof Machine>;

const Instance = Type.Object({
  metadata: Metadata,
  spec: Type.Optional(Type.Object(instanceSpec)),
  status: Type.Optional(Type.Object(instanceStatus)),
});
export type Instance = Static<typeof Instance>;

/** A machine, or an instance: either has what is its own. */
const KubeVirtObject = Type.Object({
  metadata: Metadata,
  spec: Type.Optional(Type.Object({ ...machineSpec, ...instanceSpec })),
  status: Type.Optional(Type.Object({ ...machineStatus, ...instanceStatus })),
});
export type KubeVirtObject = Static<typeof KubeVirtObject>;

const listOf = <Item extends TSchema>(item: Item) =>
  Type.Object({
    metadata: Type.Object({ resourceVersion: Version, continue: text }),
    items: Type.Array(item),
  });

/** What there is to ask, and what is answered. */
export const ANSWERS = {
  machine: Machine,
  machines: listOf(Machine),
  instance: Instance,
  instances: listOf(Instance),
  namespace: Type.Object({ metadata: Type.Object({ uid: Uid }) }),
  /** One line of a watch ("Kubernetes API Concepts", Efficient detection of changes). */
  event: Type.Union([
    Type.Object({
      type: Type.Enum(["ADDED", "MODIFIED", "DELETED"]),
      object: KubeVirtObject,
    }),
    Type.Object({
      type: Type.Literal("BOOKMARK"),
      object: Type.Object({ metadata: Type.Object({ resourceVersion: Version }) }),
    }),
    Type.Object({
      type: Type.Literal("ERROR"),
      object: Type.Object({ code: Type.Optional(Type.Integer()), message: text }),
    }),
  ]),
} as const satisfies Record<string, TSchema>;
export type Asked = keyof typeof ANSWERS;
export type Answer<What extends Asked> = Static<(typeof ANSWERS)[What]>;
