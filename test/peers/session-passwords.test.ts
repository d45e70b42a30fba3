import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { LibvirtClient } from "#hypervisors/libvirt/client.ts";
import { createLibvirtDriver } from "#hypervisors/libvirt/driver.ts";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import { SessionPasswords } from "#hypervisors/libvirt/session-passwords.ts";
import { getXml, lookupByUuid, REMOTE_PROGRAM } from "#protocols/libvirt/calls.ts";
import { type Packet, PacketReader } from "#protocols/libvirt/packet.ts";
import { record } from "./hypervisor-stage.ts";
import { type Libvirt, lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain } from "./libvirt-domains.ts";

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
  const domain = await client.call(lookupByUuid(uuid));
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

test("a console's place is had in two round trips, and so it is with a password that is in force", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  const uuid = await started(libvirt);
  await using between = await startCounting(libvirt);
  const options = { ...access(between.path), credentials: {}, isReadOnly: false };
  const roundTrips = async (ask: () => Promise<unknown>) => {
    const before = between.roundTrips;
    await ask();
    return between.roundTrips - before;
  };
  await using plain = createLibvirtDriver(options);
  await using own = createLibvirtDriver({ ...options, sessionPasswordKey: new Secret("key") });
  // Whoever comes first has the connection opened, and the password set.
  await plain.check(record(uuid));
  await own.resolve(record(uuid));

  assert.equal(await roundTrips(async () => await plain.check(record(uuid))), 2);
  assert.equal(await roundTrips(async () => await plain.resolve(record(uuid))), 2);
  assert.equal(await roundTrips(async () => await own.resolve(record(uuid))), 2);
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

/** Between a driver and its libvirt: counts how often something is asked after something was answered. */
async function startCounting(
  libvirt: Libvirt,
): Promise<{ readonly path: string; readonly roundTrips: number } & AsyncDisposable> {
  const path = join(libvirt.logs, "between.sock");
  const sockets: Socket[] = [];
  let roundTrips = 0;
  const server = createServer((near) => {
    const far = connect(libvirt.socket);
    let hasAnswered = true;
    const isCall = ({ program }: Packet) => program === REMOTE_PROGRAM;
    const [asked, answered] = [new PacketReader(), new PacketReader()];
    for (const socket of [near, far]) sockets.push(socket.on("error", () => {}));
    near.on("data", (chunk) => {
      if ([...asked.push(chunk)].some(isCall) && hasAnswered) {
        roundTrips += 1;
        hasAnswered = false;
      }
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      hasAnswered = [...answered.push(chunk)].some(isCall) || hasAnswered;
      near.write(chunk);
    });
  }).listen(path);
  await once(server, "listening");
  return {
    path,
    get roundTrips() {
      return roundTrips;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
