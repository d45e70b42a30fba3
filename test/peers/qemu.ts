import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { type Process, startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";

/** On a busy machine an emulated timer is late, which the kernel, where it checks it, takes for a broken one and panics. */
const KERNEL_OPTIONS = "console=tty0 console=ttyS0 quiet tsc=reliable no_timer_check mitigations=off nokaslr";

/** For `test(…, { skip })`. */
export const lackingQemu = lacking("qemu-system-x86");
export const lackingGuest = lacking("qemu-system-x86", "guest");

/** One VNC listener of a machine. Without a password it asks for none. */
export interface Screen {
  readonly password?: string;
  /** One of the machine's credentials for TLS: nothing is said without. */
  readonly tls?: string;
  /** It asks for an account of `saslFolder`. */
  readonly sasl?: boolean;
}

/** What a machine has for TLS, by the name that its screens give. */
export type Credentials = Readonly<
  Record<
    string,
    | "anonymous"
    | { readonly folder: string; readonly asksForCertificate?: boolean; readonly expired?: boolean }
  >
>;

export interface Qemu<Name extends string> extends AsyncDisposable {
  readonly host: string;
  /** Where each screen listens. */
  readonly ports: Readonly<Record<Name, number>>;
  /** Sends a QMP command and resolves to what it returns. */
  qmp(execute: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** As pulling the plug: SIGKILL. */
  kill(): Promise<void>;
}

export interface QemuGuest<Name extends string> extends Qemu<Name> {
  /** What the guest has written to its serial line. */
  serial(): string;
  /** What its tablet has sent, one line "EVENT type code value" each (linux/input-event-codes.h). */
  pointer(): string;
}

const guestFolder = fileURLToPath(new URL("../../.cache/guest/", import.meta.url));

const limits = {
  /** The guest takes about 3 s on an idle core; others may be booting beside it. */
  bootMs: 60_000,
} as const;

/** A paused machine whose VNC listeners answer within a second: enough for everything before the picture. */
export async function startQemu<Name extends string>(
  screens: Readonly<Record<Name, Screen>>,
  { credentials = {}, saslFolder }: { readonly credentials?: Credentials; readonly saslFolder?: string } = {},
): Promise<Qemu<Name>> {
  const env = saslFolder === undefined ? {} : { SASL_CONF_PATH: saslFolder };
  const args = ["-S", "-m", "16", ...credentialArgs(credentials)];
  return await startMachine(screens, { folder: scratch(), args, env });
}

/** A real guest, resolved when its shell waits on the screen for what is typed. */
export async function startQemuGuest<Name extends string>(
  screens: Readonly<Record<Name, Screen>>,
): Promise<QemuGuest<Name>> {
  const folder = scratch();
  const log = (name: string) => join(folder.path, name);
  const args = [
    ...["-m", "128", "-no-reboot", "-device", "virtio-tablet-pci"],
    ...["-kernel", join(guestFolder, "vmlinuz"), "-initrd", join(guestFolder, "initrd.gz")],
    ...["-append", KERNEL_OPTIONS],
    ...["-serial", `file:${log("serial")}`, "-serial", `file:${log("pointer")}`],
  ];
  const machine = await startMachine(screens, { folder, args });
  const guest = {
    ...machine,
    serial: () => readFileSync(log("serial"), "latin1"),
    pointer: () => readFileSync(log("pointer"), "latin1"),
  };
  await eventually(() => assert.match(guest.serial(), /GUEST-READY/), { withinMs: limits.bootMs });
  return guest;
}

async function startMachine<Name extends string>(
  screens: Readonly<Record<Name, Screen>>,
  {
    folder,
    args,
    env = {},
  }: {
    readonly folder: ReturnType<typeof scratch>;
    readonly args: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Qemu<Name>> {
  const line = [
    // Never KVM: /dev/kvm may exist and not work, and then QEMU hangs.
    ...["-accel", "tcg", "-M", "pc", "-nodefaults", "-vga", "std", "-display", "none", "-qmp", "stdio"],
    ...screenArgs(screens, folder.path),
    ...args,
  ];
  const child = await startProcess("qemu-system-x86_64", line, { env });
  const qmp = await connectQmp(child);
  return {
    host: LOOPBACK,
    ports: await listeningPorts<Name>(qmp),
    qmp,
    kill: async () => {
      await child.stop("SIGKILL");
    },
    [Symbol.asyncDispose]: async () => {
      await child.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** QEMU itself takes the first free port of a range, so machines started at once do not collide. */
function screenArgs(screens: Readonly<Record<string, Screen>>, folder: string): string[] {
  return Object.entries(screens).flatMap(([name, { password, tls, sasl }]) => {
    const options = [tls === undefined ? "" : `,tls-creds=${tls}`, sasl === true ? ",sasl=on" : ""].join("");
    const listener = `${LOOPBACK}:0,to=9000,id=${name}${options}`;
    if (password === undefined) return ["-vnc", listener];
    const file = join(folder, `${name}.password`);
    writeFileSync(file, password, { mode: 0o600 });
    return [
      "-object",
      `secret,id=${name}-secret,file=${file}`,
      "-vnc",
      `${listener},password-secret=${name}-secret`,
    ];
  });
}

function credentialArgs(credentials: Credentials): string[] {
  return Object.entries(credentials).flatMap(([name, kind]) => {
    if (kind === "anonymous") return ["-object", `tls-creds-anon,id=${name},endpoint=server`];
    const asks = `verify-peer=${kind.asksForCertificate === true ? "on" : "off"}`;
    // QEMU itself would not start with a certificate that has expired.
    const checks = `sanity-check=${kind.expired === true ? "off" : "on"}`;
    return ["-object", `tls-creds-x509,id=${name},dir=${kind.folder},endpoint=server,${asks},${checks}`];
  });
}

/** QMP over the process's own pipes: a greeting, then one answer for each command, events in between. */
async function connectQmp(child: Process): Promise<Qemu<string>["qmp"]> {
  let sent = 0;
  const qmp = async (execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> => {
    const id = ++sent;
    child.stdin.write(`${JSON.stringify({ execute, arguments: args, id })}\n`);
    const answer = await eventually(() => {
      const found = messages(child).find((message) => message["id"] === id);
      assert.ok(found !== undefined, `no answer to ${execute}; QEMU said: ${child.stderr.text}`);
      return found;
    });
    assert.ok(!("error" in answer), `${execute}: ${JSON.stringify(answer["error"])}`);
    return answer["return"];
  };
  await qmp("qmp_capabilities");
  return qmp;
}

function messages(child: Process): Record<string, unknown>[] {
  const lines = child.stdout.text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}

async function listeningPorts<Name extends string>(qmp: Qemu<Name>["qmp"]): Promise<Record<Name, number>> {
  const servers = (await qmp("query-vnc-servers")) as {
    readonly id: Name;
    readonly server: readonly { readonly service: string }[];
  }[];
  const ports = servers.map(({ id, server }) => [id, Number(server[0]?.service)]);
  return Object.fromEntries(ports) as Record<Name, number>;
}
