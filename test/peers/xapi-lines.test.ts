import assert from "node:assert/strict";
import { test } from "node:test";
import { startFleet } from "../harness/test-fleet.ts";
import { ACCOUNTS, startXapi } from "../harness/xapi/pool.ts";
import { endingOf, INTO_DEFAULT, machineOf } from "./hypervisor-stage.ts";
import { atLine, attached, openLine, saw, typeInto } from "./line-stage.ts";
import { serialPort, lackingGuest as skip, startQemuGuest } from "./qemu.ts";

const { signal } = new AbortController();

for (const [way, query] of [
  ["by CONNECT", ""],
  ["by WebSocket", "?consoles=websocket"],
] as const)
  test(`XAPI: a machine's vt100 console is opened ${way}, typed into and watched, with a session for each who opens it`, {
    skip,
  }, async () => {
    await using stage = await openStage(query);
    const { fleet, node, pool, machine } = stage;
    assert.deepEqual(machine.protocols, ["rfb", "serial"]);

    const first = await openLine(fleet, machine);
    const writer = await attached(await atLine(node, first.ticket));
    await typeInto(writer, "first");
    const second = await openLine(fleet, machine);
    await using watcher = await attached(await atLine(node, second.ticket));
    await saw(watcher, "first-42");
    assert.equal(pool.sessions("porthole-console").length, 2);

    await writer[Symbol.asyncDispose]();
    await endingOf(fleet.control, first.sessionId);
    assert.deepEqual(await fleet.control.leases.settle(), { released: 1, dropped: 0 });
    // The connection is the line's, and goes on without the session that asked for it.
    watcher.webSocket.send(JSON.stringify({ type: "ask" }));
    await typeInto(watcher, "second");

    assert.equal(
      [...pool.open.values()].reduce((all, open) => all + open, 0),
      query === "" ? 1 : 0,
    );
    await watcher[Symbol.asyncDispose]();
    await endingOf(fleet.control, second.sessionId);
    assert.deepEqual(await fleet.control.leases.settle(), { released: 1, dropped: 0 });
    assert.deepEqual(pool.sessions("porthole-console"), []);
    assert.ok(!node.log().includes("session_id"));
  });

test("XAPI: a line that is gone, one that counts, and none at all are told as what they are", {
  skip,
}, async () => {
  await using stage = await openStage("");
  const { fleet, node, pool, machine, ref } = stage;
  const { admin, services } = fleet.control;
  const judged = async () => {
    const { sessionId, ticket } = await openLine(fleet, machine);
    const viewer = await atLine(node, ticket);
    await viewer.untilClosed();
    const code = await endingOf(fleet.control, sessionId);
    const { ending } = await services.sessions.get(admin, sessionId);
    return `${code} ${ending?.detail ?? ""}`;
  };

  stage.loseLine();
  assert.match(await judged(), /^upstream_closed .*there is nothing behind/);
  for (const [each] of pool.objects.all("pool")) pool.objects.set(each, { limit_console_sessions: true });
  pool.open.set(ref, 1);
  assert.match(await judged(), /^upstream_consoles_exhausted /);
  for (const [console, { protocol }] of pool.objects.all("console"))
    if (protocol === "vt100") pool.objects.remove(console);
  await assert.rejects(openLine(fleet, machine), { code: "console_unavailable" });

  await fleet.control.leases.settle();
  assert.deepEqual(pool.sessions("porthole-console"), []);
});

/** A pool with one machine, whose vt100 console is the serial line of a real guest. */
async function openStage(query: string) {
  await using opened = new AsyncDisposableStack();
  const guest = opened.use(await startQemuGuest({}, { line: true }));
  const line = { host: guest.host, port: await serialPort(guest, "line") };
  let hasLine = true;
  const pool = opened.use(await startXapi({ lineOf: () => (hasLine ? line : undefined) }));
  const { ref, uuid } = pool.add({ name: "web" });
  const fleet = opened.use(await startFleet());
  const node = await fleet.start();
  const { control } = fleet;
  const { id } = await control.services.hypervisors.add(control.admin, {
    ...{ name: "pool7", platform: "xenserver", address: pool.address + query, rules: INTO_DEFAULT },
    credentials: {
      ...{ username: "console", secret: ACCOUNTS.console.password },
      caCertificate: pool.authority.pem,
    },
  });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));
  const machine = await machineOf(control, uuid, {});
  const owned = opened.move();
  return {
    ...{ fleet, node, pool, machine, ref },
    loseLine() {
      hasLine = false;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
