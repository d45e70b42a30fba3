import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { ConsolePort, ConsolePorts } from "../console-ports.ts";
import type { VsphereClient } from "./client.ts";
import { type Host, hostOf } from "./host.ts";
import { type FoundMachine, findMachine } from "./machines.ts";
import { EMPTY, ofMembers, ofObject, type Properties, requireReference, retrieve } from "./properties.ts";
import { type Reference, VsphereFault, value } from "./soap.ts";
import { taskDone } from "./task.ts";
import { isAtLeast, readVersion } from "./version.ts";
import { child, children, escapeXml, textOf } from "./xml.ts";

/** What the firewall of ESXi hosts has to let in, where somebody has installed a rule for that. */
const PORTS = Array.from({ length: 206 }, (_, index) => 5900 + index);
/** From which on hosts have no VNC. */
const REMOVED = [7, 0] as const;

const limits = {
  /** To ask again whether somebody else is done with the machine or its port. */
  againMs: 250,
  /** VNC authentication uses eight characters, of six bits each here (RFC 6143 §7.2.2). */
  passwordBytes: 6,
} as const;

interface Settings {
  readonly enabled: string;
  readonly port: string;
  readonly password: string;
}

interface Opening {
  readonly machine: FoundMachine;
  readonly ports: ConsolePorts;
  /** By which it is reached, where it is a host by itself, which does not know its own name. */
  readonly standalone: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Has the machine's host open VNC for it: a port of its own, and a random password, which are two of the machine's settings (extraConfig,
 * `RemoteDisplay.vnc.*`). Whoever comes to a machine that has them already finds them and leaves them alone, for nobody knows what a host does
 * to consoles that are open when they are set again; what somebody else has set is replaced.
 */
export async function openVnc(client: VsphereClient, opening: Opening): Promise<Upstream> {
  const { machine, standalone, signal } = opening;
  const host = await hostOf(client, machine.object, signal);
  if (isAtLeast(readVersion(host.version) ?? [], REMOVED))
    throw new GatewayError("upstream_refused", {
      detail: `vSphere: the machine's host is of version ${host.version}, and hosts have no VNC from 7.0 on; webmks or both opens its console (hypervisor update --consoles)`,
    });
  const taken = await takePort(client, opening, { ...host, name: standalone ?? host.name });
  const { port, password } = taken;
  const wanted = { enabled: "true", port: `${port}`, password: password.expose() };
  if (!(await isSet(client, machine.object, wanted, signal)))
    await set(client, machine.object, wanted, signal);
  return toUpstream(taken);
}

/** Where it is open now; undefined where it is not. */
export async function vncOf(ports: ConsolePorts, { known }: FoundMachine): Promise<Upstream | undefined> {
  const taken = await ports.of(known.address);
  return taken === undefined ? undefined : toUpstream(taken);
}

/** Somebody has left: takes VNC off the machine if nobody looks at it any more. Throws while somebody else is at it. */
export async function leaveVnc(
  client: VsphereClient,
  {
    address,
    ports,
    signal,
  }: { readonly address: string; readonly ports: ConsolePorts; readonly signal: AbortSignal },
): Promise<void> {
  const leaving = await ports.leave(address);
  if (leaving === "kept") return;
  if (leaving === "busy")
    throw new GatewayError("upstream_refused", { detail: "vSphere: VNC is just being closed" });
  const machine = await findMachine(client, { address, signal });
  if (machine !== undefined)
    await set(client, machine.object, { enabled: "false", port: "", password: "" }, signal).catch(ifGone);
  await ports.free(address);
}

/** A machine that is deleted just then has no VNC any more. */
function ifGone(error: unknown): void {
  if (!(error instanceof VsphereFault) || error.fault !== "ManagedObjectNotFound") throw error;
}

/** Throws where none of the host's ports is free. */
async function takePort(client: VsphereClient, opening: Opening, host: Host): Promise<ConsolePort> {
  const { machine, ports, signal } = opening;
  const { address } = machine.known;
  for (;;) {
    const before = await ports.of(address);
    const isThere = before?.host === host.name;
    const taken = await ports.take({
      ...{ machine: address, host: host.name },
      ports: isThere ? [] : await freePorts(client, { host, machine, signal }),
      password: new Secret(randomBytes(limits.passwordBytes).toString("base64url")),
    });
    if (typeof taken !== "string") return taken;
    if (taken === "full" && !isThere)
      throw new GatewayError("upstream_consoles_exhausted", {
        detail: `vSphere: all ${PORTS.length} ports of VNC on the machine's host are taken`,
      });
    await delay(limits.againMs, undefined, { signal });
  }
}

/** Those that no other machine on the host is set to, be it by whom it may. */
async function freePorts(
  client: VsphereClient,
  {
    host,
    machine,
    signal,
  }: { readonly host: Host; readonly machine: FoundMachine; readonly signal: AbortSignal },
): Promise<readonly number[]> {
  const there = ofMembers(host.object, { path: "vm", type: "VirtualMachine", properties: [SETTINGS] });
  const others = (await retrieve(client, there, signal)).filter(
    ({ object }) => object.id !== machine.object.id,
  );
  const given = others.flatMap(({ values }) => settingsOf(values).get(keyOf("port")) ?? []);
  return PORTS.filter((port) => !given.includes(`${port}`));
}

const SETTINGS = "config.extraConfig";

/** By their keys, which are the same in capitals. */
function settingsOf(values: Properties["values"]): ReadonlyMap<string, string> {
  const options = children(values.get(SETTINGS) ?? EMPTY, "OptionValue");
  return new Map(
    options.map((option) => [(textOf(option, "key") ?? "").toLowerCase(), textOf(option, "value") ?? ""]),
  );
}

function keyOf(name: string): string {
  return `RemoteDisplay.vnc.${name}`.toLowerCase();
}

async function isSet(
  client: VsphereClient,
  machine: Reference,
  wanted: Settings,
  signal: AbortSignal,
): Promise<boolean> {
  const [properties] = await retrieve(client, ofObject(machine, [SETTINGS]), signal);
  const there = settingsOf(properties?.values ?? new Map());
  return Object.entries(wanted).every(([name, text]) => there.get(keyOf(name)) === text);
}

/** An empty text takes a setting away. Waits for whoever else changes the machine, and until it is done. */
async function set(
  client: VsphereClient,
  machine: Reference,
  wanted: Settings,
  signal: AbortSignal,
): Promise<void> {
  const settings = Object.entries(wanted).map(
    ([name, text]) =>
      `<extraConfig>${value("key", `RemoteDisplay.vnc.${name}`)}<value xsi:type="xsd:string">${escapeXml(text)}</value></extraConfig>`,
  );
  const parameters = `<spec>${settings.join("")}</spec>`;
  const call = { method: "ReconfigVM_Task", target: machine, parameters } as const;
  for (;;) {
    try {
      const task = requireReference(child(await client.ask(call, signal), "returnval"));
      await taskDone(client, task, { signal });
      return;
    } catch (error) {
      if (!(error instanceof VsphereFault) || error.fault !== "TaskInProgress") throw error;
      await delay(limits.againMs, undefined, { signal });
    }
  }
}

function toUpstream({ host, port, password }: ConsolePort): Upstream {
  return { address: { kind: "tcp", host, port }, password: password.expose() };
}
