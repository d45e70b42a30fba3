import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { createLibvirtDriver } from "#hypervisors/libvirt/driver.ts";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startTestNode } from "../harness/test-node.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, serialDomain } from "./libvirt-domains.ts";

const { signal } = new AbortController();

test("libvirt: serial lines are where libvirt says, by TCP, by telnet and by a UNIX socket, and are opened there", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using node = await startTestNode();
  await using driver = createLibvirtDriver({
    endpoint: parseEndpoint(`qemu:///session?socket=${libvirt.socket}`),
    credentials: {},
    isReadOnly: false,
  });
  const machineAt = (address: string) =>
    ({ id: address, protocol: "serial", address, password: undefined, state: "running" }) as const;
  const socket = join(libvirt.logs, "line.sock");
  const start = async (serial: string) => {
    const uuid = randomUUID();
    await define(libvirt, serialDomain(uuid, serial));
    await driver.power(uuid, "start", signal);
    return uuid;
  };
  const onTcp = async (spoken: string) =>
    await onFreePort(async (port) => {
      const source = `<source mode='bind' host='${LOOPBACK}' service='${port}'/>`;
      return await start(`<serial type='tcp'>${source}<protocol type='${spoken}'/></serial>`);
    });

  const raw = await driver.resolve(machineAt(await onTcp("raw")));
  const telnet = await driver.resolve(machineAt(await onTcp("telnet")));
  const unix = await driver.resolve(
    machineAt(await start(`<serial type='unix'><source mode='bind' path='${socket}'/></serial>`)),
  );
  const pty = machineAt(await start("<serial type='pty'/>"));

  assert.deepEqual(unix, { address: { kind: "unix", path: socket } });
  assert.deepEqual([raw.telnet, telnet.telnet], [undefined, true]);
  const { withheld, ...checked } = await driver.check(pty);
  assert.deepEqual(checked, { running: true, protocols: [], isExclusive: true });
  assert.match(withheld ?? "", /pseudo-terminal.*--serial-streams/);
  for (const upstream of [raw, telnet, unix]) {
    const { ticket } = await node.control.issue({ protocol: "serial", machineId: randomUUID(), upstream });
    await using viewer = await TestViewer.porthole(node.origin, ticket);
    await eventually(() => assert.ok(viewer.texts.some(({ type }) => type === "line")));
    assert.equal(viewer.closed, undefined);
  }
});
