import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Upstream } from "#wire/grant.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { ExtendedKeyUsage, type TestCertificate, testCertificate } from "../harness/test-certificates.ts";
import { startTestNode, type TestNode } from "../harness/test-node.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { type Libvirt, lackingLibvirt as skip } from "./libvirt.ts";
import { define, serialDomain } from "./libvirt-domains.ts";
import { startTlsLibvirt } from "./libvirt-tls.ts";
import { attached } from "./line-stage.ts";

const usages = [ExtendedKeyUsage.clientAuth];

describe("a console node at a libvirt", { skip }, () => {
  let node: TestNode;
  let authority: TestCertificate;
  let client: TestCertificate;
  let libvirt: Libvirt & { readonly port: number };
  const domain = randomUUID();
  const line = (): string => join(libvirt.logs, "line.sock");
  before(async () => {
    node = await startTestNode();
    authority = await testCertificate({ commonName: "libvirt" });
    client = await testCertificate({ names: ["node"], issuer: authority, usages });
    const server = await testCertificate({ names: [LOOPBACK], issuer: authority });
    libvirt = await startTlsLibvirt(authority, server, "keepalive_interval = 1\nkeepalive_count = 2");
    const socket = `<serial type='unix'><source mode='bind' path='${line()}'/></serial>`;
    await define(libvirt, serialDomain(domain, `<serial type='pty'/>${socket}`));
    await libvirt.virsh("start", domain);
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await libvirt?.[Symbol.asyncDispose]();
  });

  const stream = (more: object = {}) => ({
    ...{ kind: "libvirt" as const, uri: "qemu:///session", domain, device: "serial0" },
    ...{ at: { kind: "unix" as const, path: libvirt.socket }, ...more },
  });
  const overTls = (more: object = {}, port = libvirt.port): Upstream => ({
    address: stream({ at: { kind: "tcp", host: LOOPBACK, port } }),
    tls: {
      ...{ mode: "verify", serverName: LOOPBACK, ca: authority.pem },
      client: { certificate: client.pem, key: client.keyPem },
      ...more,
    },
  });
  const at = async (upstream: Upstream): Promise<TestViewer> => {
    const { ticket } = await node.control.issue({
      protocol: "serial",
      machineId: randomUUID(),
      upstream,
    });
    return await TestViewer.porthole(node.origin, ticket);
  };
  /** `open`, or why not. */
  const outcome = async (upstream: Upstream): Promise<string> => {
    await using viewer = await at(upstream);
    await eventually(() =>
      assert.ok(viewer.closed !== undefined || viewer.texts.some(({ type }) => type === "line")),
    );
    return viewer.closed?.reason ?? "open";
  };
  const clientOf = ({ pem, keyPem }: TestCertificate) => ({ client: { certificate: pem, key: keyPem } });

  test("by TLS knows whose it is, and is known", async () => {
    const stranger = await testCertificate({ commonName: "stranger" });
    const foreign = await testCertificate({ names: ["node"], issuer: stranger, usages });

    assert.equal(await outcome(overTls()), "open");
    assert.equal(await outcome(overTls({ ca: stranger.pem })), "upstream_certificate_unknown");
    assert.equal(await outcome(overTls({ serverName: "host7" })), "upstream_certificate_name");
    assert.equal(await outcome(overTls(clientOf(foreign))), "upstream_client_certificate");
    assert.equal(await outcome(overTls({ client: undefined })), "upstream_client_certificate");
    assert.equal(await outcome({ address: overTls().address }), "upstream_tls_needed");
  });

  test("is told that there is no pseudo-terminal, where there is another device or none", async () => {
    assert.equal(await outcome({ address: stream({ device: "serial1" }) }), "upstream_refused");
    assert.equal(await outcome({ address: stream({ device: "serial9" }) }), "upstream_refused");
  });

  test("is told of machines that are not there, or not running, and of what is no libvirt", async () => {
    const stopped = randomUUID();
    await define(libvirt, serialDomain(stopped, "<serial type='pty'/>"));

    assert.equal(await outcome({ address: stream({ domain: stopped }) }), "machine_not_running");
    assert.equal(await outcome({ address: stream({ domain: randomUUID() }) }), "machine_gone");
    const nowhere = { kind: "unix", path: join(libvirt.logs, "nothing") };
    assert.equal(await outcome({ address: stream({ at: nowhere }) }), "upstream_connection_refused");
    await using other = await startOther();
    assert.equal(
      await outcome({ address: stream({ at: { kind: "unix", path: other.path } }) }),
      "upstream_protocol_error",
    );
  });

  test("that falls silent on the way is found out by both, and the line is free again", async () => {
    await using way = await startWay(libvirt.port);
    // A node keeps for seconds a line that everybody has left, and this is another one for it.
    await eventually(async () => assert.equal(await outcome(overTls()), "open"));
    await using viewer = await eventually(async () => await attached(await at(overTls({}, way.port))));

    way.freeze();

    assert.equal((await viewer.untilClosed()).reason, "upstream_lost");
    assert.match(node.log(), /libvirt does not answer any more/);
    // Of the connection on the way nothing has come through: it was libvirt that let go of the line.
    await eventually(async () => assert.equal(await outcome(overTls()), "open"));
  });

  async function startOther() {
    const path = join(libvirt.logs, "other.sock");
    const server = createServer(
      (socket) => void socket.on("error", () => {}).end("SSH-2.0-OpenSSH_9.2\r\n".repeat(4)),
    );
    server.listen(path);
    await once(server, "listening");
    return { path, [Symbol.asyncDispose]: async () => void server.close() };
  }
});

/** A way to a port by which nothing more comes once it is frozen, neither bytes nor that an end has gone. */
async function startWay(to: number) {
  const sockets: Socket[] = [];
  let isFrozen = false;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: to, host: LOOPBACK, allowHalfOpen: true });
    sockets.push(near, far);
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("error", () => {});
      from.on("data", (chunk) => void (isFrozen || into.write(chunk)));
    }
  }).listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    port: address.port,
    freeze: () => {
      isFrozen = true;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
