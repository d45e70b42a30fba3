import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Machine } from "#wire/api.ts";
import type { OneControl } from "../harness/control.ts";
import { eventually } from "../harness/eventually.ts";
import { scratch } from "../harness/scratch.ts";
import type { FleetNode, TestFleet } from "../harness/test-fleet.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import type { Libvirt } from "./libvirt.ts";

export const INTO_DEFAULT = [{ name: "*", project: "default" }];

/** Of a node: libvirt, QEMU and the rest share few cores here, and what a machine became is known when it is known. */
export const PATIENT = { whyMs: 60_000 } as const;

export const qemuAt = ({ socket }: Libvirt) => `qemu:///session?socket=${socket}`;

export async function add(
  { services, admin }: OneControl,
  { name, address }: { readonly name: string; readonly address: string },
): Promise<string> {
  const host = { name, platform: "libvirt", address, rules: INTO_DEFAULT } as const;
  return (await services.hypervisors.add(admin, host)).id;
}

export async function machines({ services, admin }: OneControl): Promise<readonly Machine[]> {
  const all: Machine[] = [];
  let after: string | undefined;
  do {
    const page = await services.machines.list(admin, { limit: 500, after });
    all.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return all;
}

/** Waits until the machine is there, and as it is said. */
export async function machineOf(control: OneControl, uuid: string, as: Partial<Machine>): Promise<Machine> {
  return await eventually(async () => {
    const machine = (await machines(control)).find(({ address }) => address === uuid);
    assert.ok(machine !== undefined, `machine ${uuid}`);
    assert.deepEqual({ ...machine, ...as }, machine);
    return machine;
  });
}

/** A machine that the hypervisor had before it fell silent. */
export async function taken(control: OneControl, hypervisorId: string): Promise<readonly [Machine]> {
  const uuid = randomUUID();
  const known = { address: uuid, name: "lost", power: "running", guest: "unknown" } as const;
  await control.inventory.takeAll(hypervisorId, [known]);
  return [await machineOf(control, uuid, {})];
}

export function record(address: string) {
  return { id: randomUUID(), protocol: "rfb", address, password: undefined, state: "running" } as const;
}

export async function open({ control }: TestFleet, { id: machineId }: Machine) {
  return await control.services.consoles.open(control.admin, { machineId, api: "native" });
}

/** A viewer that has seen a part of the screen. */
export async function picture(node: FleetNode, ticket: string): Promise<TestViewer> {
  const viewer = await TestViewer.bare(node.origin, ticket);
  const { width } = await viewer.handshake();
  assert.ok(width > 0);
  // RFC 6143 §7.5.3
  viewer.send(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 16, 0, 1));
  await eventually(() => assert.equal(viewer.bytes[0], 0, "a picture"));
  return viewer;
}

export async function endingOf({ services, admin }: OneControl, sessionId: string): Promise<string> {
  return await eventually(async () => {
    const { ending } = await services.sessions.get(admin, sessionId);
    assert.ok(ending !== undefined);
    return ending.code;
  });
}

export function stopping({ stop }: { stop(): Promise<void> }): AsyncDisposable {
  return { [Symbol.asyncDispose]: stop };
}

/** Accepts, and says nothing. */
export async function startSilent(): Promise<
  { readonly path: string; readonly connections: number } & AsyncDisposable
> {
  const folder = scratch();
  const path = join(folder.path, "libvirt-sock");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).resume();
  }).listen(path);
  await once(server, "listening");
  return {
    path,
    get connections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
