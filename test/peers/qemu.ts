import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { type Process, startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { GuestKeyboard, keyboardArgs } from "./guest-keyboard.ts";
import { savedGuest } from "./saved-guest.ts";

/** On a busy machine an emulated timer is late, which the kernel, where it checks it, takes for a broken one and panics. */
export const KERNEL_OPTIONS =
  "console=tty0 console=ttyS0 quiet tsc=reliable no_timer_check mitigations=off nokaslr";

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
  /** Whether it is also reached by WebSocket; then with TLS around that where it has any. */
  readonly webSocket?: boolean;
  /** Whether viewers may stop and restart the machine. */
  readonly power?: boolean;
}

/** What a machine has for TLS, by the name that its screens give. */
type Credentials = Readonly<
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
  /** Where those listen that are reached by WebSocket. */
  readonly webSocketPorts: Readonly<Partial<Record<Name, number>>>;
  /** Sends a QMP command and resolves to what it returns. */
  qmp(execute: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** What it has told by itself, by QMP's names. */
  events(): readonly string[];
  /** As pulling the plug: SIGKILL. */
  kill(): Promise<void>;
}

export interface QemuGuest<Name extends string> extends Qemu<Name> {
  /** What the guest has written to its serial line. */
  serial(): string;
  /** What its tablet has sent, one line "EVENT type code value" each (linux/input-event-codes.h). */
  pointer(): string;
  /** What has come of the keys that were typed. */
  readonly keyboard: GuestKeyboard;
}

export const guestFolder = fileURLToPath(new URL("../../.cache/guest/", import.meta.url));

export const limits = {
  /** The guest takes about 3 s on an idle core; others may be booting beside it. */
  bootMs: 60_000,
} as const;

interface Options {
  readonly credentials?: Credentials;
  /** Where Cyrus SASL finds its configuration for QEMU, and its accounts. */
  readonly saslFolder?: string;
  /** What else QEMU is told. */
  readonly args?: readonly string[];
}

/** A paused machine whose VNC listeners answer within a second: enough for everything before the picture. */
export async function startQemu<Name extends string>(
  screens: Readonly<Record<Name, Screen>>,
  options: Options = {},
): Promise<Qemu<Name>> {
  return await startMachine(screens, {
    ...options,
    folder: scratch(),
    args: ["-S", "-m", "16", ...(options.args ?? [])],
  });
}

/** A character device that one may connect to, on a port that the kernel chooses. */
export function serialSocket(id: string, options = ""): string {
  return `socket,id=${id},host=${LOOPBACK},port=0,server=on,wait=off${options}`;
}

/** Where such a one listens. */
export async function serialPort({ qmp }: Pick<Qemu<string>, "qmp">, id: string): Promise<number> {
  const devices = (await qmp("query-chardev")) as readonly {
    readonly label: string;
    readonly filename: string;
  }[];
  const found = /:(\d+),/.exec(devices.find(({ label }) => label === id)?.filename ?? "");
  assert.ok(found !== null, JSON.stringify(devices));
  return Number(found[1]);
}

/**
 * A real guest without a network, with `line` with its first serial line on a socket of that name, by telnet if it says so; resolved when its shell waits on the
 * screen for what is typed, and its tablet is read.
 */
export async function startQemuGuest<Name extends string>(
  screens: Readonly<Record<Name, Screen>>,
  { line = false, ...options }: Options & { readonly line?: boolean | "telnet" } = {},
): Promise<QemuGuest<Name>> {
  const folder = scratch();
  const log = (name: string) => join(folder.path, name);
  const parts = [
    ...["-m", "128", "-no-reboot", "-device", "virtio-tablet-pci"],
    ...["-kernel", join(guestFolder, "vmlinuz"), "-initrd", join(guestFolder, "initrd.gz")],
    ...["-append", KERNEL_OPTIONS],
  ];
  const saved = savedGuest(guestFolder, parts);
  const isSaved = saved.exists;
  const first = line
    ? [
        "-chardev",
        `${serialSocket("line", line === "telnet" ? ",telnet=on" : "")},logfile=${log("serial")}`,
        "-serial",
        "chardev:line",
      ]
    : ["-serial", `file:${log("serial")}`];
  const told = [...first, "-serial", `file:${log("pointer")}`, ...keyboardArgs(log("keyboard"))];
  const args = [...parts, ...told, ...(options.args ?? []), ...(isSaved ? saved.args : [])];
  const machine = await startMachine(screens, { ...options, folder, args });
  const before = isSaved ? saved.said : { serial: "", pointer: "" };
  const guest = {
    ...machine,
    serial: () => before.serial + readFileSync(log("serial"), "latin1"),
    pointer: () => before.pointer + readFileSync(log("pointer"), "latin1"),
    keyboard: new GuestKeyboard(log("keyboard")),
  };
  if (isSaved) await saved.resume(machine.qmp);
  await eventually(() => assert.match(guest.serial(), /GUEST-READY/), { withinMs: limits.bootMs });
  await eventually(() => assert.match(guest.pointer(), /POINTER-READY/), { withinMs: limits.bootMs });
  if (!isSaved) await saved.save(machine.qmp, () => ({ serial: guest.serial(), pointer: guest.pointer() }));
  return guest;
}

async function startMachine<Name extends string>(
  screens: Readonly<Record<Name, Screen>>,
  {
    folder,
    args,
    credentials = {},
    saslFolder,
  }: Options & { readonly folder: ReturnType<typeof scratch>; readonly args: readonly string[] },
): Promise<Qemu<Name>> {
  const line = [
    // Never KVM: /dev/kvm may exist and not work, and then QEMU hangs.
    ...["-accel", "tcg", "-M", "pc", "-nodefaults", "-vga", "std", "-display", "none", "-qmp", "stdio"],
    ...credentialArgs(credentials),
    ...screenArgs(screens, folder.path),
    ...args,
  ];
  const env: Readonly<Record<string, string>> =
    saslFolder === undefined ? {} : { SASL_CONF_PATH: saslFolder };
  const child = await startProcess("qemu-system-x86_64", line, { env });
  const qmp = await connectQmp(child);
  return {
    host: LOOPBACK,
    ...(await listeningPorts<Name>(qmp)),
    qmp,
    events: () => messages(child).flatMap(({ event }) => (typeof event === "string" ? [event] : [])),
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
  return Object.entries(screens).flatMap(([name, { password, tls, sasl, webSocket, power }]) => {
    const options = [
      tls === undefined ? "" : `,tls-creds=${tls}`,
      sasl === true ? ",sasl=on" : "",
      webSocket === true ? ",websocket=on" : "",
      power === true ? ",power-control=on" : "",
    ].join("");
    // As many as anything that stands before it lets through: by itself it takes 32.
    const listener = `${LOOPBACK}:0,to=9000,connections=64,id=${name}${options}`;
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

async function listeningPorts<Name extends string>(
  qmp: Qemu<Name>["qmp"],
): Promise<Pick<Qemu<Name>, "ports" | "webSocketPorts">> {
  const screens = (await qmp("query-vnc-servers")) as {
    readonly id: Name;
    readonly server: readonly { readonly service: string; readonly websocket: boolean }[];
  }[];
  const portsOf = (isWebSocket: boolean) =>
    Object.fromEntries(
      screens.flatMap(({ id, server }) =>
        server
          .filter(({ websocket }) => websocket === isWebSocket)
          .map(({ service }) => [id, Number(service)]),
      ),
    );
  return {
    ports: portsOf(false) as Record<Name, number>,
    webSocketPorts: portsOf(true) as Record<Name, number>,
  };
}
