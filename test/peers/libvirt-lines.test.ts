import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { type Process, startProcess } from "../harness/process.ts";
import { endingOf, INTO_DEFAULT } from "./hypervisor-stage.ts";
import { type Libvirt, lackingLibvirt } from "./libvirt.ts";
import { bySocket, byTls, startLineStage } from "./libvirt-line-stage.ts";
import { atLine, attached, openLine, saw, typeInto } from "./line-stage.ts";
import { lackingGuest } from "./qemu.ts";

const skip = lackingLibvirt || lackingGuest;

for (const [name, start] of Object.entries({ "a socket": bySocket, TLS: byTls }))
  test(`libvirt by ${name}: a pseudo-terminal is typed into, and watched over the one connection that it bears`, {
    skip,
  }, async () => {
    await using way = await start();
    await using stage = await startLineStage(way);
    const { control, fleet, node, machine } = stage;

    await using writer = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));
    await typeInto(writer, "first");
    await using watcher = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));
    await saw(watcher, "first-42");
    await typeInto(writer, "second");
    await saw(watcher, "second-42");

    // libvirt would have refused a second connection.
    writer.send(Buffer.from('seq 1 20000; echo e""nd\r'));
    await saw(writer, "\n20000\r\nend");
    const lines = writer.bytes.toString("latin1").split("\r\n");
    const first = lines.indexOf("1");
    const counted = lines.slice(first, first + 20_000);
    assert.deepEqual(
      counted,
      Array.from({ length: 20_000 }, (_, index) => String(index + 1)),
    );
    const { clientKey = "nothing", clientCertificate = "nothing" } = way.access.credentials ?? {};
    const rows = await control.store.db.selectFrom("sessions").selectAll().execute();
    for (const secret of [clientKey, clientCertificate].map((pem) => pem.split("\n")[1] ?? pem))
      for (const text of [node.log(), JSON.stringify(rows)]) assert.ok(!text.includes(secret));
  });

test("libvirt: each end of a line is told as what it is, and what is free again is opened again", {
  skip,
}, async () => {
  await using way = await bySocket();
  await using stage = await startLineStage(way);
  const { fleet, control, driver, node, machine, libvirt, uuid } = stage;
  const open = async () => {
    const { sessionId, ticket } = await openLine(fleet, machine);
    const viewer = await atLine(node, ticket);
    return { viewer, ended: async () => await endingOf(control, sessionId) };
  };

  const taken = await open();
  await typeInto(await attached(taken.viewer), "taken");
  await using administrator = await atConsole(libvirt, uuid, "--force");
  assert.equal(await taken.ended(), "upstream_line_taken");

  const busy = await open();
  assert.equal(await busy.ended(), "upstream_line_busy");
  await administrator.stop();

  const lost = await open();
  await typeInto(await attached(lost.viewer), "lost");
  await libvirt.leave();
  assert.equal(await lost.ended(), "upstream_lost");
  await libvirt.comeBack();
  // control notices that its own connection is over, and makes another.
  await eventually(async () => assert.ok(await driver.find(uuid, AbortSignal.timeout(5_000))));

  const stopped = await open();
  await typeInto(await attached(stopped.viewer), "stopped");
  await libvirt.virsh("destroy", uuid);
  assert.equal(await stopped.ended(), "machine_not_running");
});

test("libvirt: nodes sign in where they are to, and dial what they may", { skip }, async () => {
  await using way = await bySocket();
  await using stage = await startLineStage(way, { allow: "127.0.0.0/8" });
  const { fleet, control, hypervisorId, node, machine } = stage;
  const { admin } = control;
  const { hypervisors } = control.services;
  const { sessionId, ticket } = await openLine(fleet, machine);
  await using _ = await atLine(node, ticket);

  assert.equal(await endingOf(control, sessionId), "upstream_not_allowed");
  const changed = await hypervisors.update(admin, hypervisorId, { serialStreams: false });
  assert.equal(changed.serialStreams, false);
  await assert.rejects(openLine(fleet, machine), {
    code: "console_unavailable",
    message: /“porthole hypervisor update NAME --serial-streams”/,
  });
  const add = async (more: object) =>
    await hypervisors.add(admin, {
      ...{ name: "other", platform: "libvirt", address: "qemu:///system", rules: INTO_DEFAULT },
      ...{ serialStreams: true, ...more },
    });
  const because = (message: RegExp) => ({ code: "request_invalid", message });
  await assert.rejects(
    add({ readOnly: true }),
    because(/serialStreams: over a connection that is read-only/),
  );
  await assert.rejects(
    add({ address: "qemu+ssh://porthole@host7/system", credentials: { sshKey: "k" } }),
    because(/serialStreams: .* not by SSH/),
  );
  await assert.rejects(
    add({ platform: "command", address: "list" }),
    because(/serialStreams: .* not to command/),
  );
});

/** An administrator at a terminal of his own. */
async function atConsole({ uri, env }: Libvirt, uuid: string, how: string): Promise<Process> {
  const command = `exec virsh -c '${uri}' console ${uuid} ${how}`;
  const terminal = await startProcess("script", ["-q", "-c", command, "/dev/null"], { env });
  await eventually(() => assert.match(terminal.stdout.text, /Escape character/, terminal.stdout.text));
  return terminal;
}
