import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { hostPort } from "#base/config.ts";
import type { Acme, AcmeChange } from "#wire/acme.ts";
import type { Node as ListedNode } from "#wire/api.ts";
import type { Certificate } from "#wire/certificate.ts";
import { eventually } from "../harness/eventually.ts";
import { readMetrics } from "../harness/metrics.ts";
import { type Control, startControl, startNode } from "../harness/porthole.ts";
import { idOf } from "../harness/serving-certificate.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { PAGE } from "../harness/tls-installation.ts";
import { lackingPebble, type Pebble, startPebble } from "./pebble.ts";
import { lackingUnbound, startUnbound } from "./unbound.ts";

const DOMAIN = "console.example";
const WILDCARD = `*.${DOMAIN}`;
/** Of the nodes, which are at 127.0.0.1. */
const DASHED = `127-0-0-1.${DOMAIN}`;

describe("pebble", { skip: lackingPebble || lackingUnbound }, () => {
  test("issues a wildcard, seeing by unbound what our name server answers, and refuses nonces now and then", async () => {
    await using at = await startNamed(WILDCARD);
    const pebble = at.use(await startPebble({ resolver: at.resolver, refusedNonces: 20 }));

    const asked = await at.configure({
      ...trusting(pebble),
      contact: "ops@example.com",
      agreesToTerms: true,
    });

    assert.equal(asked.state, "waiting");
    const acme = await untilReady(at);
    assert.deepEqual(acme.names, [WILDCARD, DOMAIN]);
    const [only, ...others] = await at.certificates();
    assert.deepEqual([...(only?.names ?? [])].sort(), [WILDCARD, DOMAIN]);
    assert.deepEqual([only?.source, only?.fingerprint, others], ["acme", acme.certificate, []]);
    assert.ok(Date.parse(acme.nextAttemptAt ?? "") > Date.now());
    const metrics = await readMetrics(at.control.admin);
    assert.equal(metrics.get('porthole_acme_orders_total{result="ok"}'), 1);
    assert.equal(metrics.get("porthole_acme_failures"), 0);
    const last = Date.parse(acme.lastSuccessAt ?? "") / 1000;
    assert.equal(metrics.get("porthole_acme_last_success_timestamp_seconds"), last);
  });

  test("renews it on nodes while a console is open, which goes on", async () => {
    await using at = await startNamed(WILDCARD);
    const { control, api } = at;
    const node = at.use(await startNode(control, { args: ["--public-address", "127.0.0.1"] }));
    const machine = at.use(await startRfbUpstream());
    const { address } = machine.upstream;
    assert.ok(address.kind === "tcp");
    const { id } = await api.addMachine({
      name: "m",
      protocol: "rfb",
      address: `${address.host}:${address.port}`,
    });
    await api.call("PUT", "settings/consoleproxy.sslEnabled", { value: "true" });
    const pebble = at.use(await startPebble({ resolver: at.resolver }));
    await at.configure({ ...trusting(pebble), agreesToTerms: true });
    const first = await untilReady(at);
    await at.untilServed(first);

    const { url, websocket } = await eventually(async () => {
      const opened = await api.openConsole(id);
      assert.equal(new URL(opened.url).hostname, DASHED);
      return opened;
    });
    const port = new URL(url).port;
    const seen = await visit(port, pebble);
    const viewer = at.use(
      await TestViewer.connect(`wss://127.0.0.1:${port}/${websocket.path}?token=${websocket.token}`, {
        protocols: ["binary"],
        ca: pebble.roots,
        servername: DASHED,
      }),
    );
    await viewer.handshake();
    await api.call("POST", "acme/renew");
    const second = await untilReady(at, first.certificate);
    await at.untilServed(second);
    machine.callers[0]?.socket.write("still here");

    await eventually(() => assert.match(viewer.bytes.toString("latin1"), /still here/));
    assert.equal(viewer.closed, undefined);
    assert.equal(seen, first.certificate);
    assert.equal(await visit(port, pebble), second.certificate);
    assert.ok(node.node.endsWith(`:${port}`), "on the port where it always listened");
  });

  test("believes the nodes, by http-01, with TLS off and on; a changed domain has a new certificate", async () => {
    await using at = await startNamed(DOMAIN);
    const node = at.use(await startNode(at.control, { args: ["--public-address", "127.0.0.1"] }));
    const httpPort = Number(new URL(node.node).port);
    const pebble = at.use(await startPebble({ resolver: at.resolver, httpPort }));

    await at.configure({ ...trusting(pebble), agreesToTerms: true, challenge: "http-01" });
    const plain = await untilReady(at);
    assert.deepEqual(plain.names, [DOMAIN]);
    await at.api.call("PUT", "settings/consoleproxy.sslEnabled", { value: "true" });
    await at.untilServed(plain);
    await at.api.call("PUT", "settings/consoleproxy.url.domain", { value: WILDCARD });

    const dashed = await untilReady(at, plain.certificate);
    assert.deepEqual(dashed.names, [DASHED]);
    // Pebble follows where it is sent; others need not.
    const challenge = `${node.node}/.well-known/acme-challenge/token`;
    const unsent = await fetch(challenge, { redirect: "manual" });
    assert.equal(unsent.status, 200);
    assert.match(await unsent.text(), /^token\.[A-Za-z0-9_-]{43}$/);
    await at.untilServed(dashed);
    assert.equal(await visit(String(httpPort), pebble), dashed.certificate);
  });

  test("that does not get to one node issues for the others by http-01, and says which one it is", async () => {
    await using at = await startNamed(WILDCARD);
    const node = at.use(await startNode(at.control, { args: ["--public-address", "127.0.0.1"] }));
    at.use(await startNode(at.control, { args: ["--public-address", "127.0.0.9"] }));
    const httpPort = Number(new URL(node.node).port);
    const pebble = at.use(await startPebble({ resolver: at.resolver, httpPort }));

    await at.configure({ ...trusting(pebble), agreesToTerms: true, challenge: "http-01" });

    const { names, certificate, state } = await at.untilProblem(
      /see that 127-0-0-9\.console\.example is yours/,
    );
    assert.deepEqual([state, [...(names ?? [])].sort()], ["failing", [DASHED, `127-0-0-9.${DOMAIN}`]]);
    const [only] = await at.certificates();
    assert.deepEqual([only?.names, only?.fingerprint], [[DASHED], certificate]);
  });

  test("wants accounts to be bound to others, and the key that shows it is not told again", async () => {
    const hmacKey = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    await using at = await startNamed(WILDCARD);
    const pebble = at.use(
      await startPebble({ resolver: at.resolver, externalAccounts: { "kid-1": hmacKey } }),
    );
    await at.configure({ ...trusting(pebble), agreesToTerms: true });
    await at.untilProblem(/wants accounts to be bound .*--eab-key-id/);

    const wrong = { keyId: "kid-1", hmacKey: hmacKey.toLowerCase() };
    await at.configure({ externalAccount: wrong });
    await at.untilProblem(/the authority refuses/);
    const told = await at.configure({ externalAccount: { keyId: "kid-1", hmacKey } });

    const acme = await untilReady(at);
    assert.deepEqual(acme.externalAccount, { keyId: "kid-1" });
    assert.ok(!JSON.stringify([told, acme]).includes(hmacKey));
    assert.ok(!at.control.process.stderr.text.includes(hmacKey));
  });

  test("that is away is tried again later, and what it issued stays; one that has forgotten us is told anew", async () => {
    await using at = await startNamed(WILDCARD);
    const pebble = await startPebble({ resolver: at.resolver });
    await at.configure({ ...trusting(pebble), agreesToTerms: true });
    const before = await untilReady(at);
    await pebble[Symbol.asyncDispose]();

    await at.api.call("POST", "acme/renew");
    const failing = await at.untilProblem(/cannot be reached \(ECONNREFUSED\)/);

    assert.deepEqual([failing.failures, failing.certificate], [1, before.certificate]);
    assert.ok(Date.parse(failing.nextAttemptAt ?? "") > Date.parse(failing.lastAttemptAt ?? ""));
    const port = Number(new URL(pebble.directory).port);
    const back = at.use(await startPebble({ resolver: at.resolver, port }));
    await at.configure({ roots: back.roots });
    await at.api.call("POST", "acme/renew");
    const after = await untilReady(at, before.certificate);
    assert.equal(after.failures, 0);
  });

  test("says what is wrong in words that say what to do", async () => {
    await using at = await startNamed(WILDCARD);
    const pebble = at.use(await startPebble({ resolver: at.resolver, httpPort: 1 }));
    const { directory, roots } = trusting(pebble);

    await at.configure({ directory });
    await at.untilProblem(/certificate that is not trusted \(.*--root FILE/);
    await at.configure({ roots });
    await at.untilProblem(/read data:text\/plain,.*--agree-terms/);
    await at.configure({ agreesToTerms: true, directory: directory.replace("/dir", "/nowhere") });
    await at.untilProblem(/HTTP 404/);
    await at.configure({ directory, agreesToTerms: true, challenge: "http-01" });
    await at.untilProblem(/no node is up .*dns-01/);
    await at.api.call("PUT", "settings/consoleproxy.url.domain", { value: DOMAIN });
    await at.untilProblem(/could not see that console\.example is yours: “/);
  });
});

/** Control that answers for the domain, and a resolver that finds it there. */
async function startNamed(domain: string) {
  await using opened = new AsyncDisposableStack();
  const control: Control = opened.use(
    await startControl({ args: ["--dns-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"] }),
  );
  const { api } = control;
  await api.call("PUT", "settings/consoleproxy.url.domain", { value: domain });
  await api.call("PUT", "settings/consoleproxy.loadscan.interval", { value: "1000" });
  const unbound = opened.use(await startUnbound(DOMAIN, hostPort(control.dns?.[0] ?? "")));
  const show = async () => await api.call<Acme>("GET", "acme");
  const owned = opened.move();
  return {
    control,
    api,
    resolver: `127.0.0.1:${unbound.port}`,
    use: <Resource extends AsyncDisposable>(resource: Resource): Resource => owned.use(resource),
    configure: async (change: AcmeChange) => await api.call<Acme>("PATCH", "acme", change),
    show,
    certificates: async () => (await api.call<{ items: Certificate[] }>("GET", "certificates")).items,
    async untilServed({ certificate }: Acme): Promise<void> {
      await eventually(async () => {
        const { items } = await api.call<{ items: ListedNode[] }>("GET", "nodes");
        assert.deepEqual(
          items.map((node) => node.certificate?.id),
          [certificate],
        );
      });
    },
    async untilProblem(words: RegExp): Promise<Acme> {
      return await eventually(async () => {
        const acme = await show();
        assert.match(acme.problem ?? "", words);
        return acme;
      });
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function trusting({ directory, roots }: Pebble) {
  return { directory, roots };
}

async function untilReady(at: { show(): Promise<Acme> }, unlike?: string): Promise<Acme> {
  return await eventually(async () => {
    const acme = await at.show();
    assert.equal(acme.state, "ready", JSON.stringify(acme));
    assert.notEqual(acme.certificate, unlike);
    return acme;
  });
}

/** As a browser that trusts the authority comes to the node's page; resolves to what it was shown. */
async function visit(port: string, { roots: ca }: Pebble): Promise<string> {
  const asked = request({ host: "127.0.0.1", port, path: PAGE, servername: DASHED, ca, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  const shown = (response.socket as TLSSocket).getPeerX509Certificate()?.toString() ?? "";
  await text(response);
  return idOf(shown);
}
