import assert from "node:assert/strict";
import { test } from "node:test";
import { silenceMs } from "#control/fleet/up.ts";
import { createKeyRetirement } from "#control/tickets/key-generations.ts";
import { HeldKeys } from "#proxy/link/held-keys.ts";
import { openTicket } from "#wire/ticket.ts";
import { type TestControl, type TestNode, testControl } from "../harness/control.ts";

const MINUTE_MS = 60_000;
const LONGEST = String(60 * MINUTE_MS);

/** Sixteen hours of rotating whenever it can be done, with tickets that are good for an hour. */
test("however often keys are rotated, every ticket opens at its node until it ends", async () => {
  await using control = await testControl();
  await control.services.settings.set(control.admin, "console.ticket.lifetime.native", LONGEST);
  await control.services.settings.set(control.admin, "consoleproxy.session.max", "1000");
  const nodes = [await control.node(), await control.node(), await control.node()];
  const held = new Map(nodes.map((node) => [node.id, HeldKeys.none]));
  /** A node says what it holds, then takes what it is answered. */
  const beatOf = async (node: TestNode) => {
    const keys = held.get(node.id) ?? HeldKeys.none;
    const { ticketKeys = [] } = await beat(control, node, keys.newest);
    held.set(node.id, keys.with(ticketKeys));
  };
  for (const node of nodes) await beatOf(node);
  let [rotations, tickets] = [0, 0];
  let waiting: { readonly ticket: string; readonly until: number }[] = [];

  for (let minute = 0; minute < 16 * 60; minute += 5) {
    const rotated = control.services.ticketKeys.rotate(control.admin).then(
      () => 1,
      (error) => {
        assert.equal(error.code, "limit_reached");
        return 0;
      },
    );
    // Only some are heard of between two tickets, so that nodes hold different generations.
    const beats = nodes.filter((_, index) => (minute / 5 + index) % 3 !== 0).map(beatOf);
    const opened = [0, 1, 2].map(async () => await open(control));
    const [count, issued] = await Promise.all([rotated, Promise.all(opened), ...beats]);
    rotations += count;
    // Before anything more is said to its node.
    for (const ticket of issued) await openAtItsNode(ticket, held);
    await retire(control);
    const until = control.clock.now() + 60 * MINUTE_MS - 1;
    waiting.push(...issued.map((ticket) => ({ ticket, until })));
    for (const node of nodes) await beatOf(node);
    for (const { ticket } of waiting) await openAtItsNode(ticket, held);
    tickets += issued.length;
    control.clock.advance(5 * MINUTE_MS);
    for (const node of nodes) await beatOf(node);
    waiting = waiting.filter((ticket) => ticket.until > control.clock.now());
  }

  assert.ok(rotations > 10, `${rotations} rotations`);
  assert.equal(tickets, 3 * 16 * 12);
});

async function openAtItsNode(ticket: string, held: ReadonlyMap<string, HeldKeys>): Promise<void> {
  const header = JSON.parse(Buffer.from(ticket.split(".")[0] ?? "", "base64url").toString("utf8"));
  await openTicket(ticket, ...(held.get(header.node)?.keys ?? []));
}

async function open(control: TestControl): Promise<string> {
  const { id: machineId } = await control.machine();
  return (await control.services.consoles.open(control.admin, { machineId, api: "native" })).ticket;
}

async function beat(control: TestControl, { id, incarnation }: TestNode, ticketGeneration: number) {
  return await control.link.registry.heartbeat(id, { incarnation, sessions: 0, ticketGeneration });
}

async function retire(control: TestControl): Promise<void> {
  await createKeyRetirement(control.store, () => silenceMs(control.values))();
}
