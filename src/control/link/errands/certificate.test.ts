import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createAuthority } from "#tls/authority.ts";
import type { CertificateAnswer, ServingCertificate } from "#wire/link-certificate.ts";
import type { OneControl, TestNode } from "../../../../test/harness/control.ts";
import { eventually } from "../../../../test/harness/eventually.ts";
import type { LinkClient } from "../../../../test/harness/link-client.ts";
import { nodeClient, type OpenLink, openLink } from "../../../../test/harness/open-link.ts";
import { newServingCertificate } from "../../../../test/harness/serving-certificate.ts";
import { testCertificate } from "../../../../test/harness/test-certificates.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const SECURE = { pageOrigin: "https://203.0.113.7", webSocketOrigin: "https://203.0.113.7:8443" } as const;
const HOSTS = ["203.0.113.7"] as const;

for (const t of onBoth(
  "a node is told nothing of TLS until it is wanted, and links follow what it says",
  async () => {
    await using at = await openNode();
    await at.beat();
    assert.equal(at.client.commanded, 0);

    await at.set("consoleproxy.sslEnabled", "true");
    assert.match(await at.link(), /^http:/, "it has not said yet that it serves TLS");
    await at.beat();
    const certificate = await at.nextCertificate({ serves: 90 });

    await eventually(async () =>
      assert.match(await at.link(), /^https:\/\/203\.0\.113\.7\/p\/.*\?port=8443#/),
    );
    const leaf = new X509Certificate(certificate?.chain ?? "");
    assert.equal(leaf.checkIP("203.0.113.7"), "203.0.113.7");
    assert.equal(leaf.checkIssued(new X509Certificate(at.control.installation.authority.certificate)), true);
    const node = await at.control.services.nodes.get(at.control.admin, at.node.id);
    assert.equal(node.certificate?.id, certificate?.id);
    assert.equal(node.pageOrigin, SECURE.pageOrigin);

    await at.set("consoleproxy.sslEnabled", "false");
    await at.beat();
    assert.equal(await at.nextCertificate({}), undefined);
    await eventually(async () => assert.match(await at.link(), /^http:\/\/203\.0\.113\.7:8000\//));
  },
))
  test(...t);

test("the default certificate is for the names of the node, and is made anew with them and before it ends", async () => {
  await using at = await openNode();
  await at.set("consoleproxy.sslEnabled", "true");
  await at.beat();
  const first = await at.nextCertificate({ serves: 90 });
  await at.settled(first?.id);
  await at.beat();
  assert.equal(at.client.commanded, 1);

  await at.set("consoleproxy.url.domain", "*.console.example");
  await at.beat();
  const named = await at.nextCertificate({ serves: 90 });
  const names = new X509Certificate(named?.chain ?? "").subjectAltName ?? "";
  assert.match(names, /DNS:203-0-113-7\.console\.example.*IP Address:203\.0\.113\.7.*URI:porthole:entrance/);
  await at.settled(named?.id);
  at.control.clock.advance(59 * DAY_MS);
  await at.beat();
  assert.equal(at.client.commanded, 2);
  at.control.clock.advance(2 * DAY_MS);
  await at.beat();
  const renewed = await at.nextCertificate({ serves: 90 });

  assert.notEqual(renewed?.id, named?.id);
});

test("a certificate that was stored for the pool is told once; one that the node refuses is shown, and not told again", async () => {
  let stored: ServingCertificate | undefined;
  await using at = await openNode(async (pool) => (pool === "default" ? stored : undefined));
  await at.set("consoleproxy.sslEnabled", "true");
  stored = await newServingCertificate(at.control.installation.authority, HOSTS);
  await at.beat();
  assert.deepEqual(await at.nextCertificate({ serves: 30 }), stored);
  await at.settled(stored.id);
  await at.beat();

  const good = stored;
  stored = await newServingCertificate(at.control.installation.authority, HOSTS);
  await at.beat();
  await at.nextCertificate({
    answer: { serves: { id: good.id, notAfter: 4e12 }, problem: "key values mismatch" },
  });

  const view = await eventually(async () => {
    const node = await at.control.services.nodes.get(at.control.admin, at.node.id);
    assert.equal(node.certificateProblem, "key values mismatch");
    return node;
  });
  assert.equal(view.certificate?.id, good.id);
  assert.match(await at.link(), /^https:/);
  await at.beat();
  assert.equal(at.client.commanded, 2);

  stored = await newServingCertificate(at.control.installation.authority, HOSTS);
  await at.beat();
  await at.nextCertificate({ serves: 30 });
  await at.settled(stored.id);
});

for (const t of onBoth(
  "what is uploaded is told to the node at once, and what is removed as well",
  async () => {
    await using at = await openNode();
    await at.set("consoleproxy.sslEnabled", "true");
    await at.beat();
    await at.settled((await at.nextCertificate({ serves: 90 }))?.id);
    const { certificates } = at.control.services;
    const { pem, key } = await testCertificate({ names: HOSTS });
    const privateKey = key.export({ format: "pem", type: "pkcs8" }).toString();

    const { id, fingerprint, chainId } = await certificates.upload(at.control.admin, {
      certificate: pem,
      privateKey,
    });
    const uploaded = await at.nextCertificate({ serves: 90 });
    await at.settled(fingerprint);
    const served = (await at.control.services.nodes.get(at.control.admin, at.node.id)).certificate;
    await certificates.remove(at.control.admin, id);
    const own = await at.nextCertificate({ serves: 90 });

    assert.deepEqual(uploaded, { id: fingerprint, chain: pem, privateKey });
    assert.deepEqual([served?.id, served?.chainId], [fingerprint, chainId]);
    assert.equal(new X509Certificate(own?.chain ?? "").checkIP("203.0.113.7"), "203.0.113.7");
  },
))
  test(...t);

test("a new start of the node is told again, and until then is found without TLS", async () => {
  await using at = await openNode();
  await at.set("consoleproxy.sslEnabled", "true");
  await at.beat();
  await at.settled((await at.nextCertificate({ serves: 90 }))?.id);
  await eventually(async () => assert.match(await at.link(), /^https:/));

  const incarnation = "another-start-of-the-node";
  await at.client.ask("register", { ...introduction(), incarnation });
  await at.client.ask("heartbeat", { incarnation, sessions: 0 });

  const told = await at.client.commands(2);
  assert.equal(told[1]?.body.incarnation, incarnation);
  await eventually(async () => assert.match(await at.link(), /^http:/));
});

test("a node that was told to serve TLS, and whose answer nobody heard, is told when that is taken back", async () => {
  await using at = await openNode();
  await at.set("consoleproxy.sslEnabled", "true");
  await at.client.ask("heartbeat", { incarnation: at.node.incarnation, sessions: 0 });
  assert.notEqual((await at.client.commands(1))[0]?.body.certificate, undefined);
  await at.client[Symbol.asyncDispose]();
  await at.set("consoleproxy.sslEnabled", "false");

  await using again = await at.connect();
  await again.ask("heartbeat", { incarnation: at.node.incarnation, sessions: 0 });

  const [told] = await again.commands(1);
  assert.deepEqual(told?.body, { incarnation: at.node.incarnation });
});

test("a node is called by a new domain once it serves a certificate for it, and by the old one until then", async () => {
  await using at = await openNode();
  await at.set("consoleproxy.url.domain", "*.old.example");
  await at.set("consoleproxy.sslEnabled", "true");
  await at.beat();
  const old = await at.nextCertificate({ serves: 90 });
  await at.settled(old?.id);
  assert.match(await at.link(), /^https:\/\/203-0-113-7\.old\.example\//);

  await at.set("consoleproxy.url.domain", "*.new.example");
  assert.match(await at.link(), /^https:\/\/203-0-113-7\.old\.example\//);
  await at.beat();
  const problem = "no memory";
  await at.nextCertificate({ answer: { serves: { id: old?.id ?? "", notAfter: 4e12 }, problem } });
  await at.told(problem);
  // Links may be made by what was read a moment before.
  assert.equal(await at.certifiedFor(), "*.old.example", "it goes on with what it had");
  assert.match(await at.link(), /^https:\/\/203-0-113-7\.old\.example\//);

  await at.set("consoleproxy.url.domain", "*.newer.example");
  await at.beat();
  await at.settled((await at.nextCertificate({ serves: 90 }))?.id);
  await eventually(async () => assert.match(await at.link(), /^https:\/\/203-0-113-7\.newer\.example\//));
});

test("a certificate that is not for what the node is called is served, and the node says so", async () => {
  const authority = await createAuthority({ name: "test", now: Date.now() });
  let stored = await newServingCertificate(authority, ["*.old.example", "*.new.example"]);
  await using at = await openNode(async () => stored);
  await at.set("consoleproxy.url.domain", "*.old.example");
  await at.set("consoleproxy.sslEnabled", "true");
  await at.beat();
  await at.nextCertificate({ serves: 90 });
  await at.settled(stored.id);

  await at.set("consoleproxy.url.domain", "*.new.example");
  await at.beat();
  await eventually(async () => assert.match(await at.link(), /^https:\/\/203-0-113-7\.new\.example\//));
  assert.equal(at.client.commanded, 1, "what it serves is for that as well");

  stored = await newServingCertificate(authority, ["*.third.example"]);
  await at.beat();
  await at.nextCertificate({ serves: 90 });
  await at.told("the certificate is not for 203-0-113-7.new.example, as this node is called");
  await at.set("consoleproxy.url.domain", "*.third.example");
  await at.beat();
  await at.settled(stored.id);
});

test("the same certificate with another chain is told as well", async () => {
  const stored = await newServingCertificate(await createAuthority({ name: "test", now: Date.now() }), HOSTS);
  let chain = stored.chain;
  await using at = await openNode(async () => ({ ...stored, chain }));
  await at.set("consoleproxy.sslEnabled", "true");
  await at.beat();
  assert.equal((await at.nextCertificate({ serves: 90 }))?.chain, stored.chain);
  await at.settled(stored.id);

  chain = `${stored.chain}${stored.chain}`;
  await at.beat();

  assert.equal((await at.nextCertificate({ serves: 90 }))?.chain, chain);
});

test("an older node, which knows no TLS, is told nothing of it and is found as before", async () => {
  await using at = await openNode(undefined, { secure: false });
  await at.set("consoleproxy.sslEnabled", "true");

  await at.beat();

  assert.equal(at.client.commanded, 0);
  assert.match(await at.link(), /^http:/);
});

interface At extends AsyncDisposable {
  readonly control: OneControl;
  readonly node: TestNode;
  readonly client: LinkClient;
  /** The same node over another channel. */
  connect(): Promise<LinkClient>;
  set(name: string, value: string): Promise<void>;
  /** Two reports: the answer to the second comes when what the first one set off is over, or waits for the node. */
  beat(): Promise<void>;
  /** The certificate of the next command, which is answered so that it ends in so many days, or else with `answer`. */
  nextCertificate(how: {
    readonly serves?: number;
    readonly answer?: CertificateAnswer;
  }): Promise<ServingCertificate | undefined>;
  settled(id: string | undefined): Promise<void>;
  /** Resolves when administrators are told of this problem. */
  told(problem: string): Promise<void>;
  /** The domain by which links are to name the node. */
  certifiedFor(): Promise<string | null | undefined>;
  /** A console link that is given out now. */
  link(): Promise<string>;
}

async function openNode(
  servingFor?: (pool: string) => Promise<ServingCertificate | undefined>,
  { secure = true } = {},
): Promise<At> {
  await using opened = new AsyncDisposableStack();
  const link: OpenLink = opened.use(await openLink({}, servingFor === undefined ? {} : { servingFor }));
  const { control } = link;
  const { pageOrigin, ...rest } = introduction();
  const node = await control.node({ pageOrigin, ...(secure ? { secure: rest.secure } : {}) });
  const client = opened.use(await nodeClient(link, node));
  const machine = await control.machine();
  let seen = 0;
  const owned = opened.move();
  return {
    control,
    node,
    client,
    connect: async () => await nodeClient(link, node),
    async set(name, value) {
      await control.services.settings.set(control.admin, name, value);
    },
    async beat() {
      for (let count = 0; count < 2; count++)
        await client.ask("heartbeat", { incarnation: node.incarnation, sessions: 0 });
    },
    async nextCertificate({ serves, answer }) {
      const command = (await client.commands(seen + 1))[seen];
      seen += 1;
      assert.equal(command?.call, "certificate");
      const certificate: ServingCertificate | undefined = command.body.certificate;
      const notAfter = control.clock.now() + (serves ?? 0) * DAY_MS;
      const said = answer ?? (certificate === undefined ? {} : { serves: { id: certificate.id, notAfter } });
      client.socket.send(JSON.stringify([{ id: command.id, body: said }]));
      return certificate;
    },
    async settled(id) {
      await eventually(async () => {
        const { certificate, certificateProblem } = await control.services.nodes.get(control.admin, node.id);
        assert.deepEqual([certificate?.id, certificateProblem], [id, undefined]);
      });
    },
    async told(problem) {
      await eventually(async () => {
        const { certificateProblem } = await control.services.nodes.get(control.admin, node.id);
        assert.equal(certificateProblem, problem);
      });
    },
    async certifiedFor() {
      const { db } = control.store;
      const query = db.selectFrom("nodes").select("certificate_domain").where("id", "=", node.id);
      return (await query.executeTakeFirst())?.certificate_domain;
    },
    async link() {
      const { url } = await control.services.consoles.open(control.admin, {
        machineId: machine.id,
        api: "native",
      });
      return url;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function introduction() {
  const pageOrigin = "http://203.0.113.7:8000";
  return { version: "1", pageOrigin, webSocketOrigin: pageOrigin, secure: SECURE };
}
