import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { LibvirtClient } from "#hypervisors/libvirt/client.ts";
import { createLibvirtDriver } from "#hypervisors/libvirt/driver.ts";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import { SessionPasswords } from "#hypervisors/libvirt/session-passwords.ts";
import { getXml } from "#protocols/libvirt/calls.ts";
import { domainOf } from "#protocols/libvirt/domain.ts";
import { record } from "./hypervisor-stage.ts";
import { type Libvirt, lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain } from "./libvirt-domains.ts";
import { startRounds } from "./rounds.ts";

const { signal } = new AbortController();
const MINUTE = 60_000;

test("those who come as the minute turns, and the password has ended, are given the same", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  const uuid = await started(libvirt);
  const client = new LibvirtClient({ ...access(libvirt.socket), credentials: {}, isReadOnly: false });
  await using _ = { [Symbol.asyncDispose]: async () => await client.close() };
  const turn = (Math.floor(Date.now() / MINUTE) + 2) * MINUTE;
  let asked = 0;
  // Before it and after it by turns, as for replicas that ask at the same time.
  const now = () => turn + (asked++ % 2 === 0 ? -1 : 1);
  const passwords = new SessionPasswords(client, new Secret(randomBytes(32).toString("hex")), now);
  const domain = domainOf(uuid);
  const xml = async () => await client.call(getXml(domain, { isSecure: true }));
  const before = await xml();

  const given = await Promise.all(
    Array.from({ length: 8 }, async () => await passwords.passwordFor(domain, before, signal)),
  );

  assert.equal(new Set(given).size, 1);
  assert.ok((await xml()).includes(`passwd='${given[0]}'`), "and it is the one in force");
});

test("a machine whose VNC carries sound has it after its password was changed, and when it starts next", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  const uuid = await started(libvirt, { sound: true });
  const options = { ...access(libvirt.socket), credentials: {}, isReadOnly: false };
  await using driver = createLibvirtDriver({ ...options, sessionPasswordKey: new Secret("key") });

  await driver.resolve(record(uuid));

  for (const more of [[], ["--inactive"]])
    assert.match(
      await libvirt.virsh("dumpxml", uuid, ...more),
      /<graphics type='vnc'[\s\S]*<audio id='1'\/>[\s\S]*<\/graphics>/,
    );
});

test("who only looks where a console is sets no password", { skip }, async () => {
  await using libvirt = await startLibvirt();
  const uuid = await started(libvirt);
  const options = { ...access(libvirt.socket), credentials: {}, isReadOnly: false };
  await using driver = createLibvirtDriver({ ...options, sessionPasswordKey: new Secret("key") });
  const before = await libvirt.virsh("dumpxml", uuid, "--security-info");

  const looked = await driver.look?.(record(uuid));

  assert.equal(looked?.address.kind, "tcp");
  assert.equal(looked.password, undefined);
  assert.equal(await libvirt.virsh("dumpxml", uuid, "--security-info"), before);
  await driver.resolve(record(uuid));
  assert.notEqual(await libvirt.virsh("dumpxml", uuid, "--security-info"), before);
});

test("a password that is in force is had in one round trip, and one that is set in three", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  const [first, second] = [await started(libvirt), await started(libvirt)];
  const path = join(libvirt.logs, "between");
  await using rounds = await startRounds(path, libvirt.socket);
  const options = { ...access(path), credentials: {}, isReadOnly: false };
  await using driver = createLibvirtDriver({ ...options, sessionPasswordKey: new Secret("key") });
  const roundTrips = async (uuid: string) => {
    const before = rounds.count;
    await driver.resolve(record(uuid));
    return rounds.count - before;
  };
  // Whoever comes first has the connection opened.
  await driver.resolve(record(first));

  assert.deepEqual([await roundTrips(second), await roundTrips(second)], [3, 1]);
});

function access(socket: string) {
  return { endpoint: parseEndpoint(`qemu:///session?socket=${socket}`) };
}

/** A machine whose VNC was started with a password. */
async function started(libvirt: Libvirt, { sound = false } = {}): Promise<string> {
  const uuid = randomUUID();
  const [audio, carried] = sound ? ["<audio id='1' type='none'/>", "<audio id='1'/>"] : ["", ""];
  const vnc = `<graphics type='vnc' autoport='yes' listen='127.0.0.1' passwd='forever'>${carried}</graphics>`;
  await define(libvirt, qemuDomain(uuid, `${vnc}${audio}`));
  await libvirt.virsh("start", uuid);
  return uuid;
}
