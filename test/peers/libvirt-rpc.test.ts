import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { Secret } from "#base/secret.ts";
import { LibvirtClient } from "#hypervisors/libvirt/client.ts";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import { openLibvirt } from "#hypervisors/libvirt/open.ts";
import type { Credentials } from "#hypervisors/libvirt/transport.ts";
import {
  create,
  destroy,
  getMetadata,
  getState,
  getXml,
  LIST_FLAGS,
  listAllDomains,
  lookupByUuid,
  reboot,
  registerLifecycle,
  reset,
  screenshot,
  shutdown,
} from "#protocols/libvirt/calls.ts";
import { domainOf, type RemoteDomain } from "#protocols/libvirt/domain.ts";
import type { Lifecycle } from "#protocols/libvirt/lifecycle.ts";
import { REMOTE_ERRORS } from "#protocols/libvirt/remote-error.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { scratch } from "../harness/scratch.ts";
import { ExtendedKeyUsage, testCertificate } from "../harness/test-certificates.ts";
import { lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { startTlsLibvirt } from "./libvirt-tls.ts";
import { lackingSshd, startSshd } from "./sshd.ts";

// libvirt's own test driver, which is behind the same RPC: it has one domain, and forgets all with its connection.

test("libvirt lists, shows, names and pictures domains, and follows what becomes of them", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  const events: Lifecycle[] = [];
  const connection = await open(`test:///default?socket=${libvirt.socket}`, {
    onLifecycle: (event) => void events.push(event),
  });
  await connection.call(registerLifecycle());
  const domain = only(await connection.call(listAllDomains(LIST_FLAGS.all)));

  assert.equal(domain.name, "test");
  assert.deepEqual(await connection.call(lookupByUuid(domain.uuid)), domain);
  // libvirt's drivers find it by its UUID alone.
  for (const named of [domain, domainOf(domain.uuid)])
    assert.match(await connection.call(getXml(named, { isSecure: true })), /^<domain type='test' id='1'>/);
  assert.deepEqual(await connection.call(listAllDomains(LIST_FLAGS.paused)), []);
  await assert.rejects(connection.call(getMetadata(domain, "urn:none")), {
    name: "RemoteError",
    code: REMOTE_ERRORS.noDomainMetadata,
  });
  const picture = await connection.download(screenshot(domain), { maxBytes: 1024 * 1024 });
  assert.equal(picture.result, "image/png");
  assert.equal(Buffer.from(picture.bytes.subarray(1, 4)).toString(), "PNG");

  await connection.call(reboot(domain));
  await connection.call(reset(domain));
  await connection.call(destroy(domain));
  assert.equal(await connection.call(getState(domain)), "shut-off");
  await connection.call(create(domain));
  assert.equal(await connection.call(getState(domain)), "running");
  await connection.call(shutdown(domain));
  await eventually(() =>
    assert.deepEqual(
      events.map(({ event, domain: { uuid } }) => [event, uuid]),
      ["stopped", "started", "stopped"].map((event) => [event, domain.uuid]),
    ),
  );
  const nobody = domain.uuid.replace(/^./, "0");
  await assert.rejects(connection.call(lookupByUuid(nobody)), { code: REMOTE_ERRORS.noDomain });
  await assert.rejects(connection.call(getState(domainOf(nobody))), { code: REMOTE_ERRORS.noDomain });
  connection.close();
});

test("a picture that is larger than is taken is ended, and the connection goes on", { skip }, async () => {
  await using libvirt = await startLibvirt();
  const connection = await open(`test:///default?socket=${libvirt.socket}`);
  const domain = only(await connection.call(listAllDomains(LIST_FLAGS.all)));

  for (let times = 0; times < 8; times++)
    await assert.rejects(connection.download(screenshot(domain), { maxBytes: 1000 }), /more than 1000 bytes/);

  assert.equal(await connection.call(getState(domain)), "running");
  connection.close();
});

test("a read-only connection shows what is no secret, and nothing else", { skip }, async () => {
  await using libvirt = await startLibvirt();
  const connection = await open(`test:///default?socket=${libvirt.socket}`, { isReadOnly: true });
  const domain = only(await connection.call(listAllDomains(LIST_FLAGS.all)));

  assert.match(await connection.call(getXml(domain, { isSecure: false })), /<name>test</);
  await assert.rejects(connection.call(getXml(domain, { isSecure: true })), {
    code: REMOTE_ERRORS.operationDenied,
  });
  await assert.rejects(connection.call(destroy(domain)), { code: REMOTE_ERRORS.operationDenied });
  connection.close();
});

test("many calls at once are all answered, though libvirt takes few at a time", { skip }, async () => {
  await using libvirt = await startLibvirt();
  const connection = await open(`test:///default?socket=${libvirt.socket}`);
  const domain = only(await connection.call(listAllDomains(LIST_FLAGS.all)));

  const states = await Promise.all(Array.from({ length: 200 }, () => connection.call(getState(domain))));

  assert.deepEqual([...new Set(states)], ["running"]);
  connection.close();
});

test("a client is one connection for all, and makes another when libvirt has gone and come back", {
  skip,
}, async () => {
  const first = await startLibvirt();
  const { socket } = first;
  const endpoint = parseEndpoint(`test:///default?socket=${socket}`);
  const client = new LibvirtClient({ endpoint, credentials: {}, isReadOnly: false });
  const lists = await Promise.all(
    Array.from({ length: 5 }, () => client.call(listAllDomains(LIST_FLAGS.all))),
  );
  const domain = only(lists[0] ?? []);
  await client.call(destroy(domain));
  const sameState = await client.call(getState(domain));

  await first.restart();
  await eventually(async () => assert.equal(await client.call(getState(domain)), "running"));

  assert.equal(sameState, "shut-off", "of another connection the test driver knows nothing");
  await client.close();
  await assert.rejects(client.call(getState(domain)), /closed from here/);
  await first[Symbol.asyncDispose]();
});

describe("the step at which a way fails is named", { skip }, () => {
  test("over a UNIX socket: none there, nobody behind it, no driver", async () => {
    await using libvirt = await startLibvirt();

    await refused(`test:///default?socket=${libvirt.socket}x`, {}, "socket", /ENOENT/);
    await refused(`nonesuch:///default?socket=${libvirt.socket}`, {}, "rights", /./);
  });

  test("over TLS: name, port, authority, name in the certificate, client certificate, and none of it", async () => {
    const authority = await testCertificate({ commonName: "libvirt" });
    const server = await testCertificate({ names: [LOOPBACK], issuer: authority });
    const client = await testCertificate({
      names: ["porthole"],
      issuer: authority,
      usages: [ExtendedKeyUsage.clientAuth],
    });
    const stranger = await testCertificate({ names: ["porthole"], usages: [ExtendedKeyUsage.clientAuth] });
    await using peer = await startTlsLibvirt(authority, server);
    const credentials: Credentials = {
      caCertificate: authority.pem,
      clientCertificate: client.pem,
      clientKey: new Secret(client.keyPem),
    };
    const at = (host: string, port: number) => `test+tls://${host}:${port}/default`;

    const connection = await open(at(LOOPBACK, peer.port), { credentials });
    assert.equal(only(await connection.call(listAllDomains(LIST_FLAGS.all))).name, "test");
    connection.close();

    await refused(at("nonesuch.invalid", peer.port), credentials, "dns", /nonesuch/);
    await refused(at("localhost", peer.port), credentials, "tls", /does not match/);
    await refused(at(LOOPBACK, peer.port), { ...credentials, caCertificate: stranger.pem }, "tls", /./);
    const foreign = { clientCertificate: stranger.pem, clientKey: new Secret(stranger.keyPem) };
    await refused(at(LOOPBACK, peer.port), { ...credentials, ...foreign }, "credentials", /certificate/);
    await refused(
      at(LOOPBACK, peer.port),
      { caCertificate: authority.pem },
      "credentials",
      /did not accept the client certificate/,
    );
    await onFreePort(async (port) => await refused(at(LOOPBACK, port), credentials, "tcp", /ECONNREFUSED/));
  });

  test("one that accepts and says nothing is given up at the deadline, and at TLS", async () => {
    await using silent = createServer((socket) => void socket.resume()).listen(0, LOOPBACK);
    await once(silent, "listening");
    const address = silent.address();
    assert.ok(address !== null && typeof address === "object");

    const opening = open(`test+tls://${LOOPBACK}:${address.port}/default`, {
      signal: AbortSignal.timeout(500),
    });

    await assert.rejects(opening, { name: "HypervisorError", step: "tls", message: /in time/ });
  });

  test("over SSH: name, port, host key, user's key, and the socket behind it", {
    skip: lackingSshd,
  }, async () => {
    await using libvirt = await startLibvirt();
    await using sshd = await startSshd();
    const credentials = { sshKey: new Secret(sshd.key), sshKnownHosts: sshd.knownHosts };
    const at = (host: string, socket = libvirt.socket, port = sshd.port) =>
      `test+ssh://${sshd.user}@${host}:${port}/default?socket=${socket}`;

    const connection = await open(at(LOOPBACK), { credentials });
    assert.equal(only(await connection.call(listAllDomains(LIST_FLAGS.all))).name, "test");
    connection.close();

    await using folder = scratch();
    const { TMPDIR } = process.env;
    process.env["TMPDIR"] = folder.path;
    try {
      const long = await open(at(LOOPBACK), { credentials });
      assert.deepEqual(readdirSync(folder.path), [], "the key lies nowhere once it has signed in");
      await long.call(listAllDomains(LIST_FLAGS.all));
      long.close();
    } finally {
      if (TMPDIR === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = TMPDIR;
    }

    await refused(at("nonesuch.invalid"), credentials, "dns", /nonesuch/);
    const wrong = { ...credentials, sshKnownHosts: sshd.wrongKnownHosts };
    await refused(at(LOOPBACK), wrong, "host-key", /host key/i);
    await refused(at(LOOPBACK), { sshKey: credentials.sshKey }, "host-key", /host key/i);
    const strange = { ...credentials, sshKey: new Secret(sshd.strangersKey) };
    await refused(at(LOOPBACK), strange, "credentials", /Permission denied/);
    await refused(at(LOOPBACK), {}, "credentials", /no SSH key/);
    await refused(at(LOOPBACK, "/nonesuch"), credentials, "socket", /No such file/);
    await onFreePort(
      async (port) => await refused(at(LOOPBACK, libvirt.socket, port), credentials, "tcp", /refused/i),
    );
  });
});

async function open(
  address: string,
  {
    credentials = {},
    isReadOnly = false,
    signal = AbortSignal.timeout(60_000),
    onLifecycle,
  }: {
    readonly credentials?: Credentials;
    readonly isReadOnly?: boolean;
    readonly signal?: AbortSignal;
    readonly onLifecycle?: (event: Lifecycle) => void;
  } = {},
) {
  const access = { endpoint: parseEndpoint(address), credentials, isReadOnly };
  return await openLibvirt(access, { signal, ...(onLifecycle === undefined ? {} : { onLifecycle }) });
}

async function refused(address: string, credentials: Credentials, step: string, message: RegExp) {
  await assert.rejects(open(address, { credentials }), { name: "HypervisorError", step, message });
}

function only(domains: readonly RemoteDomain[]): RemoteDomain {
  const [domain, ...others] = domains;
  assert.ok(domain !== undefined && others.length === 0);
  return domain;
}
