import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Libvirt } from "./libvirt.ts";
import { guestFolder, KERNEL_OPTIONS } from "./qemu.ts";

/** libvirt's test driver with these domains, all of which run. Each connection has them anew. */
export function testDriver({ logs }: Libvirt, domains: readonly string[]): string {
  const file = join(logs, "domains.xml");
  writeFileSync(file, `<node>${domains.join("")}</node>`, { mode: 0o644 });
  return `test://${file}`;
}

/** For the test driver. */
export function testDomain({
  uuid,
  name,
  os,
}: {
  readonly uuid: string;
  readonly name: string;
  readonly os?: string | undefined;
}): string {
  const info = "http://libosinfo.org/xmlns/libvirt/domain/1.0";
  const metadata =
    os === undefined
      ? ""
      : `<metadata><l:libosinfo xmlns:l='${info}'><l:os id='${os}'/></l:libosinfo></metadata>`;
  return `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid>${metadata}<memory>8192</memory>
    <os><type>hvm</type></os>
    <devices><graphics type='vnc' port='5901' listen='127.0.0.1'/></devices></domain>`;
}

/** A machine of QEMU's that shows its BIOS. */
export function qemuDomain(uuid: string, graphics: string, name = uuid): string {
  return `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>16</memory>
    <os><type arch='x86_64' machine='pc'>hvm</type></os>
    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>
    <memballoon model='none'/><serial type='pty'/>${graphics}<video><model type='vga'/></video></devices></domain>`;
}

/** The same with another serial line, and no VNC. */
export function serialDomain(uuid: string, serial: string): string {
  return qemuDomain(uuid, "").replace("<serial type='pty'/>", serial);
}

/** The real guest, without any network and with nothing of VNC in it. Its serial line goes into `serial`. */
export function guestDomain(
  { folder }: Libvirt,
  { uuid, name, graphics, serial }: Readonly<Record<"uuid" | "name" | "graphics" | "serial", string>>,
): string {
  const [kernel, initrd] = ["vmlinuz", "initrd.gz"].map((file) => {
    const copy = join(folder, file);
    copyFileSync(join(guestFolder, file), copy);
    chmodSync(copy, 0o644);
    return copy;
  });
  return `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>128</memory>
    <os><type arch='x86_64' machine='pc'>hvm</type><kernel>${kernel}</kernel><initrd>${initrd}</initrd>
    <cmdline>${KERNEL_OPTIONS}</cmdline></os><features><acpi/></features>
    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>
    <memballoon model='none'/><input type='tablet' bus='virtio'/><serial type='file'><source path='${serial}'/></serial>
    ${graphics}<video><model type='vga'/></video></devices></domain>`;
}

export async function define({ logs, virsh }: Libvirt, xml: string): Promise<void> {
  const file = join(logs, "domain.xml");
  writeFileSync(file, xml);
  await virsh("define", file);
}

/** The same with its serial line on a pseudo-terminal, and what goes over it written into `serial` too. */
export function ptyGuestDomain(libvirt: Libvirt, parts: Parameters<typeof guestDomain>[1]): string {
  return lineGuestDomain(libvirt, parts, { type: "pty" });
}

/** The same with a serial line of another type, and where it is. */
export function lineGuestDomain(
  libvirt: Libvirt,
  parts: Parameters<typeof guestDomain>[1],
  { type, where = "" }: { readonly type: string; readonly where?: string },
): string {
  const file = `<serial type='file'><source path='${parts.serial}'/></serial>`;
  const line = `<serial type='${type}'>${where}<log file='${parts.serial}' append='off'/></serial>`;
  return guestDomain(libvirt, parts).replace(file, line);
}
