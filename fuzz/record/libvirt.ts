import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { concat } from "#base/bytes.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { LibvirtConnection } from "#hypervisors/libvirt/connection.ts";
import { destroy } from "#protocols/libvirt/calls.ts";
import { openConsoleLine } from "#protocols/libvirt/console.ts";
import { type ConsoleEvent, ConsoleReader } from "#protocols/libvirt/console-stream.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { type Libvirt, startLibvirt } from "../../test/peers/libvirt.ts";
import { LINE } from "../targets/libvirt-console.ts";
import { CALLS, DOMAIN, PICTURE } from "../targets/libvirt-rpc.ts";

/** What a libvirt says to each of the calls in turn, an event and a picture, and the XML of domains of several kinds. */
export async function recordLibvirt(): Promise<{
  /** Of the calls, and of those with a picture and an event behind them. */
  readonly conversations: Readonly<Record<string, Uint8Array>>;
  readonly xml: Readonly<Record<string, string>>;
  /** Of a serial line that a BIOS writes to, until its machine is cut off. */
  readonly line: Uint8Array;
  /** Of a screen, as PNG or PPM. */
  readonly picture: Uint8Array;
}> {
  await using libvirt = await startLibvirt();
  const ask = async (connection: LibvirtConnection) => {
    for (const call of CALLS) await connection.call<unknown>(call).catch(() => {});
  };
  const conversations = {
    calls: await listen(libvirt.socket, ask),
    picture: await listen(libvirt.socket, async (connection) => {
      await ask(connection);
      await connection.download(PICTURE, { maxBytes: 1024 * 1024 });
      await connection.call(destroy(DOMAIN));
    }),
  };
  const file = join(libvirt.logs, "domain.xml");
  for (const [name, graphics] of Object.entries(GRAPHICS)) {
    writeFileSync(file, domain(name, graphics), { mode: 0o644 });
    await libvirt.virsh("define", file);
    await libvirt.virsh("start", name);
  }
  const xml: Record<string, string> = {};
  for (const name of Object.keys(GRAPHICS))
    xml[name] = await libvirt.virsh("dumpxml", "--security-info", name);
  xml["metadata"] = await libvirt.virsh("metadata", "tcp", "--uri", LIBOSINFO);
  const screen = join(libvirt.logs, "screen");
  await libvirt.virsh("screenshot", "tcp", screen);
  const line = await recordLine(libvirt);
  return { conversations, line, xml, picture: readFileSync(screen) };
}

async function recordLine({ socket: path, logs, virsh }: Libvirt): Promise<Uint8Array> {
  const file = join(logs, "domain.xml");
  const xml = domain("line", "").replace("</os>", "<bios useserial='yes'/></os>");
  writeFileSync(file, xml, { mode: 0o644 });
  await virsh("define", file);
  await virsh("start", "line", "--paused");
  const uuid = (await virsh("domuuid", "line")).trim();
  const socket = connect({ path });
  await once(socket, "connect");
  const opening = new SequenceDriver(
    openConsoleLine((bytes) => void socket.write(bytes), { ...LINE, domain: uuid }),
  );
  const said: Uint8Array[] = [];
  const events: ConsoleEvent[] = [];
  let reader: ConsoleReader | undefined;
  socket.on("data", (chunk: Buffer) => {
    said.push(chunk);
    if (reader === undefined) opening.push(chunk);
    else events.push(...reader.push(chunk));
    if (reader !== undefined || !opening.done) return;
    reader = new ConsoleReader(opening.result.serial);
    events.push(...reader.push(opening.rest));
  });
  await eventually(() => assert.ok(opening.done));
  await virsh("resume", "line");
  const text = () => concat(events.map((event) => (event.kind === "said" ? event.bytes : new Uint8Array(0))));
  await eventually(() => assert.match(Buffer.from(text()).toString("latin1"), /No bootable device/));
  await virsh("destroy", "line");
  await eventually(() => assert.equal(events.at(-1)?.kind, "ended"));
  socket.destroy();
  return concat(said);
}

async function listen(
  path: string,
  talk: (connection: LibvirtConnection) => Promise<void>,
): Promise<Uint8Array> {
  const socket = connect({ path });
  await once(socket, "connect");
  const said: Uint8Array[] = [];
  socket.on("data", (chunk: Buffer) => void said.push(chunk));
  const connection = new LibvirtConnection(socket);
  await talk(connection);
  connection.close();
  return concat(said);
}

const LIBOSINFO = "http://libosinfo.org/xmlns/libvirt/domain/1.0";
const GRAPHICS = {
  tcp: "<graphics type='vnc' autoport='yes' listen='127.0.0.1' passwd='geheim'/>",
  socket: "<graphics type='vnc'><listen type='socket'/></graphics>",
  none: "<graphics type='vnc'><listen type='none'/></graphics>",
};

function domain(name: string, graphics: string): string {
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>16</memory>
    <metadata><l:libosinfo xmlns:l='${LIBOSINFO}'><l:os id='http://microsoft.com/win/11'/></l:libosinfo></metadata>
    <os><type arch='x86_64' machine='pc'>hvm</type></os>
    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>
    <memballoon model='none'/><serial type='pty'/>${graphics}<video><model type='vga'/></video></devices></domain>`;
}
