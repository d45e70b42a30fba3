import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import {
  authenticationTypes,
  getMetadata,
  getState,
  getXml,
  listAllDomains,
  lookupByUuid,
  open as openCall,
} from "#protocols/libvirt/calls.ts";
import { domainOf, type RemoteDomain, writeDomain } from "#protocols/libvirt/domain.ts";
import { encodePacket, PacketReader } from "#protocols/libvirt/packet.ts";
import { XdrWriter } from "#protocols/libvirt/xdr.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { createLibvirtDriver } from "./driver.ts";
import { parseEndpoint } from "./endpoint.ts";

// Of what no real libvirt can be brought to say. What one says stands in test/peers/libvirt-driver.test.ts.

const [ASKED, OTHER] = ["6695eb01-f6a4-8304-79aa-97f2502e193f", "00000000-f6a4-8304-79aa-97f2502e193f"];
const { signal } = new AbortController();

test("a machine that libvirt shows in place of the one that was asked for is refused", async () => {
  await using under = await open([{ name: "web", uuid: OTHER, id: 1 }]);
  const machine = {
    id: "1",
    protocol: "rfb",
    address: ASKED,
    password: undefined,
    state: "running",
  } as const;

  await refused(under.driver.find(ASKED, signal), /another machine/);
  await refused(under.driver.check(machine), /another machine/);
  await refused(under.driver.resolve(machine), /another machine/);
  await refused(under.driver.resolve({ ...machine, protocol: "serial" }), /another machine/);
  await refused(under.driver.consoles(ASKED, signal), /another machine/);
  await refused(under.driver.power(ASKED, "cut", signal), /another machine/);
  await refused(under.driver.screenshot(ASKED, signal), /another machine/);
});

test("a list in which two machines have one UUID is refused as a whole", async () => {
  await using under = await open(["web", "db"].map((name) => ({ name, uuid: ASKED, id: 1 })));

  await refused(under.driver.list(signal), /two machines of one UUID/);
});

async function refused(work: Promise<unknown>, reason: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof GatewayError && error.cause instanceof HypervisorError, String(error));
    assert.match(error.cause.message, reason);
    return true;
  });
}

/** A server that lists these domains, and shows the first of them whichever is asked for. */
async function open(domains: readonly RemoteDomain[]) {
  const [first] = domains;
  assert.ok(first !== undefined);
  const one = new XdrWriter();
  writeDomain(one, first);
  const all = new XdrWriter().uint(domains.length);
  for (const domain of domains) writeDomain(all, domain);
  const vnc = "<devices><graphics type='vnc' port='5900' listen='127.0.0.1'/></devices>";
  const xml = new XdrWriter().string(`<domain><uuid>${first.uuid}</uuid>${vnc}</domain>`).finish();
  const answers = new Map([
    [authenticationTypes().procedure, new XdrWriter().uint(1).int(0).finish()],
    [openCall("", { isReadOnly: false }).procedure, new Uint8Array(0)],
    [lookupByUuid(ASKED).procedure, one.finish()],
    [getState(domainOf(ASKED)).procedure, new XdrWriter().int(1).int(0).finish()],
    [getXml(domainOf(ASKED), { isSecure: false }).procedure, xml],
    [getMetadata(domainOf(ASKED), "urn:none").procedure, new XdrWriter().string("<os/>").finish()],
    [listAllDomains(0).procedure, all.uint(domains.length).finish()],
  ]);
  const folder = scratch();
  const path = join(folder.path, "libvirt");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    const reader = new PacketReader();
    socket.on("data", (chunk: Uint8Array) => {
      for (const packet of reader.push(chunk)) {
        const body = answers.get(packet.procedure);
        if (packet.type !== "call" || body === undefined) socket.destroy();
        else socket.write(encodePacket({ ...packet, type: "reply", status: "ok", body }));
      }
    });
  }).listen(path);
  await once(server, "listening");
  const driver = createLibvirtDriver({
    endpoint: parseEndpoint(`qemu:///system?socket=${path}`),
    ...{ credentials: {}, isReadOnly: false },
  });
  return {
    driver,
    [Symbol.asyncDispose]: async () => {
      await driver[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
