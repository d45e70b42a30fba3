import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import { printable } from "#wire/gateway-error.ts";
import type { KnownMachine, PowerState } from "../driver.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { VsphereClient } from "./client.ts";
import { guestFamily } from "./guest-family.ts";
import { createMachineView, ofObject, ofView, type Properties, retrieve } from "./properties.ts";
import { type Reference, readReference, value } from "./soap.ts";
import { child } from "./xml.ts";

/** What is asked of each machine. */
export const MACHINE_PATHS = [
  "name",
  "config.instanceUuid",
  "config.guestId",
  "config.template",
  "runtime.powerState",
] as const;

const Said = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 1024 }),
  instanceUuid: Type.String({ pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" }),
  guestId: Type.Optional(Type.String({ maxLength: 256 })),
  power: Type.Enum(["poweredOn", "poweredOff", "suspended"]),
});

/** One machine, and by which the platform itself knows it. */
export interface FoundMachine {
  readonly object: Reference;
  readonly known: KnownMachine;
}

/**
 * All that the account may see, but for templates, which never run. A machine that nobody can name is left out: its configuration
 * cannot be read, as while its datastore is away.
 */
export async function listMachines(
  client: VsphereClient,
  signal: AbortSignal,
): Promise<readonly FoundMachine[]> {
  const view = await createMachineView(client, signal);
  try {
    const found = await retrieve(client, ofView(view, "VirtualMachine", MACHINE_PATHS), signal);
    const machines = found.flatMap((each) => readMachine(each) ?? []);
    refuseTwins(machines);
    return machines;
  } finally {
    await client.ask({ method: "DestroyView", target: view }, signal).catch(() => {});
  }
}

/** Undefined where there is none of that instance UUID. */
export async function findMachine(
  client: VsphereClient,
  {
    address,
    signal,
    paths = [],
  }: { readonly address: string; readonly signal: AbortSignal; readonly paths?: readonly string[] },
): Promise<(FoundMachine & { readonly properties: Properties }) | undefined> {
  const parameters = [value("uuid", address), value("vmSearch", true), value("instanceUuid", true)].join("");
  const call = { method: "FindByUuid", target: "searchIndex", parameters, isRepeatable: true } as const;
  const object = readReference(child(await client.ask(call, signal), "returnval"));
  if (object === undefined) return undefined;
  const [properties] = await retrieve(client, ofObject(object, [...MACHINE_PATHS, ...paths]), signal);
  const found = properties === undefined ? undefined : readMachine(properties);
  if (found === undefined || properties === undefined) return undefined;
  if (found.known.address !== address)
    throw new HypervisorError("answer", "it answered with another machine than was asked for");
  return { ...found, properties };
}

/** Undefined for templates, and for what has no instance UUID (yet). */
export function readMachine({ object, values }: Properties): FoundMachine | undefined {
  const text = (path: (typeof MACHINE_PATHS)[number]) => values.get(path)?.text.trim();
  if (text("config.template") === "true") return undefined;
  const guestId = text("config.guestId");
  const said = {
    name: text("name"),
    instanceUuid: text("config.instanceUuid")?.toLowerCase(),
    ...(guestId === undefined ? {} : { guestId }),
    power: text("runtime.powerState"),
  };
  if (!Check(Said, said)) return undefined;
  return {
    object,
    known: {
      address: said.instanceUuid,
      name: printable(readName(said.name)),
      power: POWER[said.power],
      guest: guestFamily(said.guestId),
    },
  };
}

/** One that is suspended lies in a file, and has no console until it is started. */
const POWER: Readonly<Record<Static<typeof Said>["power"], PowerState>> = {
  poweredOn: "running",
  poweredOff: "stopped",
  suspended: "stopped",
};

/** The platform writes what would be a path in names as in URLs: a slash, a backslash and the percent sign. */
function readName(name: string): string {
  return name.replace(/%(2f|5c|25)/gi, (escaped) => decodeURIComponent(escaped));
}

/** vCenter sees to it that there are none; on a host by itself, somebody may have copied a machine's files. */
function refuseTwins(machines: readonly FoundMachine[]): void {
  const names = new Map<string, string>();
  for (const { known } of machines) {
    const twin = names.get(known.address);
    if (twin !== undefined)
      throw new HypervisorError(
        "answer",
        `${twin} and ${known.name} have one instance UUID, ${known.address}, so nobody can tell them apart; give one of them another (vc.uuid)`,
      );
    names.set(known.address, known.name);
  }
}
