import { randomUUID } from "node:crypto";
import type { KnownMachine } from "#hypervisors/driver.ts";
import type { NewHypervisor } from "#wire/hypervisors.ts";
import type { OneControl, TestControl } from "./control.ts";

export async function hypervisor(control: OneControl, options: Partial<NewHypervisor> = {}): Promise<string> {
  const { id } = await control.services.hypervisors.add(control.admin, {
    name: "host7",
    platform: "libvirt",
    address: "qemu+tls://host7.example.com/system",
    ...options,
  });
  return id;
}

export function known(name: string, options: Partial<KnownMachine> = {}): KnownMachine {
  return { address: randomUUID(), name, power: "running", guest: "unknown", ...options };
}

export async function machines({ services, admin }: OneControl) {
  return (await services.machines.list(admin, { limit: 500 })).items;
}

export async function waiting({ services, admin }: TestControl): Promise<readonly string[]> {
  return (await services.machines.waiting(admin, { limit: 500 })).items.map(({ name }) => name);
}

export async function pending(control: TestControl, machineId: string): Promise<string> {
  const machine = await control.machine({ name: `for ${machineId}` });
  control.clock.advance(1);
  const { sessionId } = await control.services.consoles.open(control.admin, {
    machineId: machine.id,
    api: "native",
  });
  await control.store.db
    .updateTable("sessions")
    .set({ machine_id: machineId })
    .where("id", "=", sessionId)
    .execute();
  await control.services.machines.remove(control.admin, machine.id);
  return sessionId;
}
