import type { GuestFamily } from "../driver.ts";
import type { Instance, Machine } from "./answers.ts";

const FAMILIES: readonly (readonly [RegExp, GuestFamily])[] = [
  // Before those that have "win" in them.
  [/darwin|macos/, "macos"],
  [/bsd/, "bsd"],
  [/win/, "windows"],
  [
    /linux|fedora|rhel|redhat|centos|ubuntu|debian|suse|sles|alpine|arch|rocky|alma|oracle|ol\d|cirros|coreos|flatcar|gentoo|mint|kali|amazon|photon|talos/,
    "linux",
  ],
];

/** As its guest agent says, or else those who made it: os-release's ID, the common templates' label, the name of its preference. */
export function guestFamily(machine: Machine | undefined, instance: Instance | undefined): GuestFamily {
  const { metadata, spec } = machine ?? {};
  const said = [
    instance?.status?.guestOSInfo?.id,
    instance?.status?.guestOSInfo?.name,
    ...[metadata, spec?.template?.metadata, instance?.metadata].flatMap((each) => [
      each?.annotations?.["vm.kubevirt.io/os"],
      each?.labels?.["vm.kubevirt.io/os"],
    ]),
    spec?.preference?.name,
  ].find((each) => each !== undefined && each !== "");
  if (said === undefined) return "unknown";
  const name = said.toLowerCase();
  return FAMILIES.find(([pattern]) => pattern.test(name))?.[1] ?? "other";
}
