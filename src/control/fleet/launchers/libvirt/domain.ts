/** Where a machine's network card goes. */
export type DomainNetwork =
  | { readonly kind: "network"; readonly name: string }
  | { readonly kind: "bridge"; readonly name: string }
  /** QEMU's own, which nobody reaches the guest through: for trying things out without root. */
  | { readonly kind: "user" };

export interface DomainOptions {
  /** On the hypervisor's host: the folder with vmlinuz, initrd.gz and root.squashfs, as deploy/system-vm/build makes it. */
  readonly image: string;
  /** `kvm`, or `qemu` for emulation where there is none. */
  readonly type: "kvm" | "qemu";
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly network: DomainNetwork;
  /** On the hypervisor's host: the folder for what machines print, a file for each. */
  readonly consoleLogs: string;
}

/** What is different for each. */
export interface DomainIdentity {
  readonly name: string;
  readonly uuid: string;
  readonly title: string;
  readonly orderId: string;
  readonly pool: string;
  readonly installationId: string;
  readonly storagePool: string;
  /** Volumes of that storage pool. */
  readonly configVolume: string;
  readonly dataVolume: string;
}

/** By which other tools find them: libvirt wants a namespace for what it keeps for others. */
const NAMESPACE = "https://porthole.dev/libvirt/1";

/**
 * libvirt's description of a system VM (libvirt: "Domain XML format"). It ends for good when it switches off, when it wants
 * to boot anew, and when it crashes: whether it starts again is for control to say. No secret stands in it.
 */
export function domainXml(identity: DomainIdentity, options: DomainOptions): string {
  const { type, memoryMiB, vcpus, image, network, consoleLogs } = options;
  return `<domain type=${quoted(type)}>
  <name>${escaped(identity.name)}</name>
  <uuid>${escaped(identity.uuid)}</uuid>
  <title>${escaped(identity.title)}</title>
  <metadata>
    <porthole:instance xmlns:porthole="${NAMESPACE}" order=${quoted(identity.orderId)} pool=${quoted(identity.pool)} installation=${quoted(identity.installationId)}/>
  </metadata>
  <memory unit="MiB">${memoryMiB}</memory>
  <vcpu>${vcpus}</vcpu>
  ${type === "kvm" ? '<cpu mode="host-passthrough"/>' : ""}
  <os>
    <type arch="x86_64" machine="q35">hvm</type>
    <kernel>${escaped(`${image}/vmlinuz`)}</kernel>
    <initrd>${escaped(`${image}/initrd.gz`)}</initrd>
    <cmdline>console=ttyS0 quiet panic=1 no_timer_check</cmdline>
  </os>
  <features><acpi/></features>
  <clock offset="utc"/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="raw"/>
      <source file=${quoted(`${image}/root.squashfs`)}/>
      <target dev="vda" bus="virtio"/>
      <readonly/>
      <shareable/>
    </disk>
    <disk type="volume" device="disk">
      <driver name="qemu" type="raw"/>
      <source pool=${quoted(identity.storagePool)} volume=${quoted(identity.configVolume)}/>
      <target dev="vdb" bus="virtio"/>
      <readonly/>
    </disk>
    <disk type="volume" device="disk">
      <driver name="qemu" type="raw"/>
      <source pool=${quoted(identity.storagePool)} volume=${quoted(identity.dataVolume)}/>
      <target dev="vdc" bus="virtio"/>
      <serial>porthole-data</serial>
    </disk>
    ${interfaceXml(network)}
    <controller type="usb" model="none"/>
    ${serialXml(`${consoleLogs}/${identity.name}.console.log`)}
    <video><model type="none"/></video>
    <memballoon model="none"/>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
  </devices>
</domain>
`;
}

/** A file, of which libvirt's own virtlogd keeps the last megabytes: a terminal would keep nothing of a machine that ended. */
function serialXml(log: string): string {
  return `<serial type="file"><source path=${quoted(log)} append="on"/><target port="0"/></serial>`;
}

function interfaceXml(network: DomainNetwork): string {
  const source = network.kind === "user" ? "" : `<source ${network.kind}=${quoted(network.name)}/>`;
  return `<interface type=${quoted(network.kind)}>${source}<model type="virtio"/><rom enabled="no"/></interface>`;
}

function quoted(value: string): string {
  return `"${escaped(value)}"`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** XML 1.0 §2.4. Control characters cannot be said in XML at all, so they are no part of any value here. */
function escaped(value: string): string {
  if ([...value].some((character) => character < " "))
    throw new Error("control characters have no place in a domain");
  return value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
