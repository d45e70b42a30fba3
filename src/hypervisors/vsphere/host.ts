import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import { HypervisorError } from "../hypervisor-error.ts";
import type { VsphereClient } from "./client.ts";
import type { FoundMachine } from "./machines.ts";
import { ofObject, retrieve } from "./properties.ts";
import { type Reference, readReference } from "./soap.ts";
import { textOf } from "./xml.ts";

const Said = Type.Object({
  /** A host's name in vCenter is that by which vCenter reaches it. */
  name: Type.String({ pattern: "^[A-Za-z0-9._:%-]{1,253}$" }),
  version: Type.String({ pattern: "^[0-9]{1,9}(\\.[0-9]{1,9}){0,7}$" }),
});

/** An ESXi host. */
export interface Host extends Static<typeof Said> {
  readonly object: Reference;
}

/** The host on which a machine runs. Throws a HypervisorError where it does not say what is needed of it. */
export async function hostOf(
  client: VsphereClient,
  machine: FoundMachine["object"],
  signal: AbortSignal,
): Promise<Host> {
  const [runtime] = await retrieve(client, ofObject(machine, ["runtime.host"]), signal);
  const object = readReference(runtime?.values.get("runtime.host"));
  if (object === undefined)
    throw new HypervisorError("rights", "it does not say on which host the machine is");
  const [properties] = await retrieve(client, ofObject(object, ["name", "summary.config.product"]), signal);
  const product = properties?.values.get("summary.config.product");
  const said = {
    name: properties?.values.get("name")?.text.trim(),
    version: product === undefined ? undefined : textOf(product, "apiVersion"),
  };
  if (!Check(Said, said))
    throw new HypervisorError(
      "rights",
      "it does not say of the machine's host what it is called, and of which version it is",
    );
  return { object, ...said };
}
