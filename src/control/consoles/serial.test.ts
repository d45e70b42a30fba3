import assert from "node:assert/strict";
import { test } from "node:test";
import type { NewMachine } from "#wire/api.ts";
import { testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const ticketIn = (url: string) => new URL(url).hash.slice("#token=".length);

const SCREEN = {
  name: "web",
  protocol: "rfb",
  address: "127.0.0.1:5900",
  serialAddress: "telnet://127.0.0.1:4001",
} as const;

for (const t of onBoth("a machine's serial line is opened beside its screen, on its own page", async () => {
  await using control = await testControl();
  const node = await control.node();
  const {
    id: machineId,
    protocols,
    serialAddress,
  } = await control.services.machines.add(control.admin, SCREEN);
  assert.deepEqual([protocols, serialAddress], [["rfb", "serial"], SCREEN.serialAddress]);
  const open = async (protocol?: "serial") =>
    await control.services.consoles.open(control.admin, { machineId, api: "native", protocol });

  const [line, screen] = [await open("serial"), await open()];

  assert.match(line.url, /\/serial\.html#token=/);
  assert.match(screen.url, /\/console\.html#token=/);
  const { host, port } = await control.services.tickets.whereTo(control.admin, ticketIn(line.url));
  assert.deepEqual([host, port], ["127.0.0.1", 4001]);
  const redeem = async (sessionId: string) =>
    await control.link.redeem(node.id, {
      incarnation: node.incarnation,
      sessionId,
      attachment: 1,
      viewerAddress: "::1",
    });
  const grant = await redeem(line.sessionId);
  assert.equal(grant.protocol, "serial");
  assert.equal(grant.account, control.admin.name);
  const address = { kind: "tcp", host: "127.0.0.1", port: 4001 };
  assert.deepEqual(grant.upstream, { guarded: { address, telnet: true } });
  assert.equal((await redeem(screen.sessionId)).protocol, "rfb");
}))
  test(...t);

for (const t of onBoth(
  "tickets for one serial line are issued for the node that has it, and screens for any",
  async () => {
    await using control = await testControl();
    const first = await control.node({ maximumSessions: 2 });
    const { id: machineId } = await control.services.machines.add(control.admin, SCREEN);
    const open = async (protocol?: "serial") => {
      const { sessionId } = await control.services.consoles.open(control.admin, {
        machineId,
        api: "native",
        protocol,
      });
      return (await control.services.sessions.get(control.admin, sessionId)).nodeId;
    };
    assert.equal(await open("serial"), first.id);

    const second = await control.node();

    assert.equal(await open("serial"), first.id);
    // It has no room left. On another node the line would open, and be silent.
    await assert.rejects(open("serial"), { code: "machine_busy" });
    assert.equal(await open(), second.id);
  },
))
  test(...t);

for (const t of onBoth("a console that a machine has not is refused as such", async () => {
  await using control = await testControl();
  await control.node();
  const { id: machineId } = await control.machine();
  const open = control.services.consoles.open(control.admin, {
    machineId,
    api: "native",
    protocol: "serial",
  });

  await assert.rejects(open, { code: "console_unavailable" });
  const line = await control.services.machines.add(control.admin, {
    name: "line",
    protocol: "serial",
    address: "unix:/run/a",
  });
  const rfb = control.services.consoles.open(control.admin, {
    machineId: line.id,
    api: "native",
    protocol: "rfb",
  });
  await assert.rejects(rfb, { code: "console_unavailable" });
}))
  test(...t);

const REFUSED: Readonly<Record<string, readonly [Partial<NewMachine>, RegExp]>> = {
  "a password at a line": [{ password: "geheim" }, /password/],
  "a second line": [{ serialAddress: "h:1" }, /serialAddress/],
  "TLS where none is spoken": [{ tls: { mode: "insecure" } }, /tls/],
  "TLS that nothing is known of": [{ address: "telnets://h:992" }, /tls/],
  "what is no address": [{ address: "telnet://h" }, /address/],
};
for (const [title, [fields, detail]] of Object.entries(REFUSED))
  for (const t of onBoth(`${title} is refused where a machine is registered`, async () => {
    await using control = await testControl();
    const machine = { name: "line", protocol: "serial", address: "telnet://h:23", ...fields } as const;

    const adding = control.services.machines.add(control.admin, machine);

    await assert.rejects(adding, { code: "request_invalid", detail });
  }))
    test(...t);

for (const t of onBoth("a serial line is set, changed and forgotten", async () => {
  await using control = await testControl();
  const { id } = await control.machine();
  const update = async (serialAddress: string | null) =>
    (await control.services.machines.update(control.admin, id, { serialAddress })).serialAddress;

  assert.equal(await update("TELNET.example:23"), "telnet.example:23");
  assert.equal(await update("telnet+unix:/run/a"), "telnet+unix:/run/a");
  assert.equal(await update(null), undefined);
}))
  test(...t);
