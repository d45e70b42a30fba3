import { HypervisorError } from "../hypervisor-error.ts";
import type { VsphereClient } from "./client.ts";
import { MACHINE_PATHS } from "./machines.ts";
import { createMachineView, ofView, requireReference } from "./properties.ts";
import { type Parameters, type Reference, readReference, value } from "./soap.ts";
import { child, children, type Element, textOf } from "./xml.ts";

const limits = {
  /** Less than an answer is waited for, and than proxies let a connection be silent. */
  waitSeconds: 30,
  /** Of one answer. */
  objects: 500,
  /** Whose names are kept; more machines than that are taken in from no hypervisor. */
  machines: 20_000,
  /** For what is put away behind somebody who has gone. */
  tidyMs: 5_000,
} as const;

/** A property collector of one's own, with the machines' changes since it was last asked. */
interface Watch {
  readonly collector: Reference;
  readonly view: Reference;
}

/**
 * Tells the address of each machine of which anything changes, until the signal is aborted or nothing more is heard, which the promise
 * says. Resolved once everything that happens from then on is told. WaitForUpdatesEx is a question that is answered when there is
 * something to say: PropertyCollector, vSphere Web Services SDK.
 */
export async function followMachines(
  client: VsphereClient,
  onChange: (address: string) => void,
  signal: AbortSignal,
): Promise<{ readonly ended: Promise<unknown> }> {
  const watch = await begin(client, signal);
  const addresses = new Map<string, string>();
  let version = "";
  const next = async () => {
    const set = await waitForUpdates(client, { watch, version, signal });
    if (set === undefined) return;
    version = textOf(set, "version") ?? "";
    if (version === "") throw new HypervisorError("answer", "its updates have no version");
    const told = changedAddresses(set, addresses);
    if (!isFirst) for (const address of told) if (!signal.aborted) onChange(address);
    isFirst &&= textOf(set, "truncated") === "true";
  };
  // What it tells first is what there is, which whoever follows lists for himself.
  let isFirst = true;
  try {
    while (isFirst) await next();
  } catch (error) {
    await tidy(client, watch);
    throw error;
  }
  const run = async (): Promise<unknown> => {
    try {
      for (;;) await next();
    } catch (error) {
      return error;
    } finally {
      await tidy(client, watch);
    }
  };
  return { ended: run() };
}

async function begin(client: VsphereClient, signal: AbortSignal): Promise<Watch> {
  const made: { -readonly [Part in keyof Watch]?: Watch[Part] } = {};
  try {
    const create = { method: "CreatePropertyCollector", target: "propertyCollector" } as const;
    const collector = requireReference(child(await client.ask(create, signal), "returnval"));
    made.collector = collector;
    const view = await createMachineView(client, signal);
    made.view = view;
    const spec = ofView(view, "VirtualMachine", MACHINE_PATHS).replaceAll("specSet>", "spec>");
    const parameters = `${spec}${value("partialUpdates", true)}`;
    await client.ask({ method: "CreateFilter", target: collector, parameters }, signal);
    return { collector, view };
  } catch (error) {
    await tidy(client, made);
    throw error;
  }
}

/** Undefined where nothing has changed for a while. */
async function waitForUpdates(
  client: VsphereClient,
  {
    watch,
    version,
    signal,
  }: { readonly watch: Watch; readonly version: string; readonly signal: AbortSignal },
): Promise<Element | undefined> {
  const options = [
    value("maxWaitSeconds", limits.waitSeconds),
    value("maxObjectUpdates", limits.objects),
  ].join("");
  const parameters: Parameters = `${value("version", version)}<options>${options}</options>`;
  const call = { method: "WaitForUpdatesEx", target: watch.collector, parameters, waits: true };
  return child(await client.ask(call, signal), "returnval");
}

/** Of machines that go only the object is told, so what they are called is kept. */
export function changedAddresses(set: Element, addresses: Map<string, string>): ReadonlySet<string> {
  const changed = new Set<string>();
  const updates = children(set, "filterSet").flatMap((filter) => children(filter, "objectSet"));
  for (const update of updates) {
    const object = readReference(child(update, "obj"));
    if (object === undefined) continue;
    const before = addresses.get(object.id);
    const now = instanceUuidOf(update) ?? before;
    if (before !== undefined) changed.add(before);
    if (now !== undefined) changed.add(now);
    if (textOf(update, "kind") === "leave") addresses.delete(object.id);
    else if (now !== undefined) addresses.set(object.id, now);
  }
  if (addresses.size > limits.machines)
    throw new HypervisorError("answer", `it tells of more than ${limits.machines} machines`);
  return changed;
}

function instanceUuidOf(update: Element): string | undefined {
  const change = children(update, "changeSet").find((each) => textOf(each, "name") === "config.instanceUuid");
  const said = change === undefined ? undefined : textOf(change, "val")?.toLowerCase();
  return said === "" ? undefined : said;
}

/** What is left costs the server until the session ends. */
async function tidy(client: VsphereClient, { collector, view }: Partial<Watch>): Promise<void> {
  const signal = AbortSignal.timeout(limits.tidyMs);
  for (const [method, target] of [
    ["DestroyPropertyCollector", collector],
    ["DestroyView", view],
  ] as const)
    if (target !== undefined) await client.ask({ method, target }, signal).catch(() => {});
}
