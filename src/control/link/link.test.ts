import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { connect } from "node:tls";
import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import { createAuthority, issueNodeCertificate, issueServerCertificate } from "#tls/authority.ts";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import { LINK_ROUTES } from "#wire/link.ts";
import { openTicket } from "#wire/ticket.ts";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { LinkClient } from "../../../test/harness/link-client.ts";
import { startLink } from "./link.ts";

const incarnation = randomUUID();
const ORIGINS = { pageOrigin: "http://n.example", webSocketOrigin: "http://n.example" } as const;

/** A good request of each kind, so that a refusal is for the certificate alone. */
const REQUESTS: Readonly<Record<Exclude<keyof typeof LINK_ROUTES, "join">, object>> = {
  register: { incarnation, version: "1", ...ORIGINS },
  heartbeat: { incarnation, sessions: 0 },
  redeem: { incarnation, sessionId: "s", attachment: 1, viewerAddress: "::1" },
  reopen: { incarnation, credential: "c", viewerAddress: "::1" },
  report: { incarnation, reports: [] },
  deregister: { incarnation },
};
const NODE_ROUTES = Object.keys(REQUESTS) as (keyof typeof REQUESTS)[];

test("every route but join is for nodes of this installation", async () => {
  await using link = await openLink();
  const strangers = await createStrangers(link.control);

  for (const [who, credentials] of Object.entries(strangers)) {
    await using client = new LinkClient(link.origin, { ca: link.ca, ...credentials });
    for (const route of NODE_ROUTES) {
      const { status, body } = await client.post(LINK_ROUTES[route], REQUESTS[route]);
      assert.deepEqual([status, body.error.code], [403, "node_refused"], `${route} with ${who}`);
    }
  }
});

test("a stranger is refused before its request is read", async () => {
  await using link = await openLink();
  await using client = new LinkClient(link.origin, { ca: link.ca });

  const { status } = await client.post(LINK_ROUTES.register, "{not json");

  assert.equal(status, 403);
});

test("a node joins, registers, redeems, reports and leaves over the link", async () => {
  await using link = await openLink();
  const { control } = link;
  const { request: certificateRequest, privateKey } = await createCertificateRequest();
  await using newcomer = new LinkClient(link.origin, { ca: link.ca });
  const joined = await newcomer.post(LINK_ROUTES.join, { joinToken: control.joinToken, certificateRequest });
  await using node = new LinkClient(link.origin, {
    ca: link.ca,
    cert: joined.body.certificate,
    key: privateKey,
  });

  const registered = await node.post(LINK_ROUTES.register, REQUESTS.register);
  assert.equal(registered.body.nodeId, joined.body.nodeId);
  assert.equal((await node.post(LINK_ROUTES.heartbeat, { incarnation, sessions: 1 })).status, 200);

  const { id: machineId } = await control.machine();
  const { ticket } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  const { kid, key } = registered.body.ticketKey;
  const claims = await openTicket(ticket, { kid, aead: aes256Gcm(Buffer.from(key, "base64url")) });
  const { sessionId, attachment } = claims;
  const redeem = { incarnation, sessionId, attachment, viewerAddress: "::ffff:198.51.100.7" };
  const granted = await node.post(LINK_ROUTES.redeem, redeem);
  assert.equal(granted.body.machine.id, machineId);
  const again = await node.post(LINK_ROUTES.redeem, redeem);
  assert.deepEqual([again.status, again.body.error.code], [410, "ticket_used"]);

  const report = { sessionId, attachment, at: control.clock.now(), bytesToViewer: 5, bytesFromViewer: 6 };
  const ending = { kind: "closed", code: "viewer_closed", reference: sessionId };
  const reports = [
    { ...report, state: "active" },
    { ...report, state: "ended", ending },
  ];
  assert.deepEqual((await node.post(LINK_ROUTES.report, { incarnation, reports })).body, {});
  const session = await control.services.sessions.get(control.admin, sessionId);
  assert.deepEqual(session.ending, { kind: "closed", code: "viewer_closed" });
  assert.equal(session.viewerAddress, "198.51.100.7");

  const reopened = await node.post(LINK_ROUTES.reopen, {
    incarnation,
    credential: granted.body.reopen,
    viewerAddress: "198.51.100.7",
  });
  assert.match(reopened.body.url, /^http:\/\/n\.example\/p\//);
  assert.deepEqual((await node.post(LINK_ROUTES.deregister, { incarnation })).body, {});
  assert.equal((await control.services.nodes.list(control.admin))[0]?.state, "down");
});

test("a node speaks for itself alone: what its requests say of other nodes does not matter", async () => {
  await using link = await openLink();
  const [one, two] = [await link.control.node(), await link.control.node()];
  await using client = nodeClient(link, two);

  const { status, body } = await client.post(LINK_ROUTES.heartbeat, {
    incarnation: one.incarnation,
    nodeId: one.id,
    sessions: 0,
  });

  assert.deepEqual([status, body.error.code], [409, "node_superseded"]);
});

test("a certificate that was replaced is refused", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  await using client = nodeClient(link, node);
  const beat = async () =>
    (await client.post(LINK_ROUTES.heartbeat, { incarnation: node.incarnation, sessions: 0 })).status;
  assert.equal(await beat(), 200);

  await link.control.store.db.updateTable("nodes").set({ certificate_fingerprint: "another" }).execute();

  assert.equal(await beat(), 403, "on the connection that it has");
});

const BROKEN: readonly [what: string, body: unknown, status: number, code: string][] = [
  ["malformed JSON", "{", 400, "request_invalid"],
  ["nothing", "", 400, "request_invalid"],
  ["a missing field", { incarnation }, 400, "request_invalid"],
  ["text where a number belongs", { incarnation, sessions: "0" }, 400, "request_invalid"],
  ["a negative number", { incarnation, sessions: -1 }, 400, "request_invalid"],
  ["a short incarnation", { incarnation: "x", sessions: 0 }, 400, "request_invalid"],
  ["two megabytes", { incarnation, sessions: 0, more: "x".repeat(2 * 1024 * 1024) }, 413, "body_too_large"],
];

for (const [what, body, status, code] of BROKEN) {
  test(`${what} is answered with ${code}, without a stack trace`, async () => {
    await using link = await openLink();
    await using client = nodeClient(link, await link.control.node());

    const answer = await client.post(LINK_ROUTES.heartbeat, body);

    assert.deepEqual([answer.status, answer.body.error.code], [status, code]);
    assert.ok(!JSON.stringify(answer.body).includes("node_modules"));
  });
}

// To CloudStack, a load that says nothing is a load of nothing.
test("ConsoleProxyManagerTest.validateParseJsonToConsoleProxyStatus…: a load that is none is refused, and the last good one stays", async () => {
  await using link = await openLink();
  const { services, admin, node } = link.control;
  const { incarnation, ...own } = await node();
  await using client = nodeClient(link, { incarnation, ...own });
  const beat = async (body: unknown) => (await client.post(LINK_ROUTES.heartbeat, body)).status;
  assert.equal(await beat({ incarnation, sessions: 7 }), 200);

  for (const broken of ["not JSON", "null", { incarnation }, { incarnation, sessions: null }])
    assert.equal(await beat(broken), 400, JSON.stringify(broken));

  assert.deepEqual(
    (await services.nodes.list(admin)).map(({ sessions }) => sessions),
    [7],
  );
});

test("more reports than a request may have are refused whole", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  await using client = nodeClient(link, node);
  const report = {
    sessionId: "s",
    attachment: 1,
    at: 1,
    state: "active",
    bytesToViewer: 0,
    bytesFromViewer: 0,
  };
  const send = async (count: number) =>
    (
      await client.post(LINK_ROUTES.report, {
        incarnation,
        reports: Array.from({ length: count }, () => report),
      })
    ).status;

  assert.equal(await send(501), 400);
  assert.equal(await send(500), 200);
});

test("what is no route is not found", async () => {
  await using link = await openLink();
  await using client = nodeClient(link, await link.control.node());

  assert.equal((await client.post("/link/v1/nothing", {})).body.error.code, "not_found");
});

test("older TLS than 1.3 is not spoken", async () => {
  await using link = await openLink();
  const { hostname, port } = new URL(link.origin);

  const socket = connect({ host: hostname, port: Number(port), ca: link.ca, maxVersion: "TLSv1.2" });

  await assert.rejects(once(socket, "secureConnect"), /alert protocol version/i);
});

interface OpenLink extends AsyncDisposable {
  readonly control: TestControl;
  readonly origin: string;
  /** The installation's CA, PEM. */
  readonly ca: string;
}

async function openLink(): Promise<OpenLink> {
  const control = await testControl();
  const { authority } = control.installation;
  const listen = { host: "127.0.0.1", port: 0 };
  const serving = await startLink(control.link, { listen, names: [], authority, clock: control.clock });
  return {
    control,
    origin: `https://127.0.0.1:${serving.address.port}`,
    ca: authority.certificate,
    async [Symbol.asyncDispose]() {
      await serving.close();
      await control[Symbol.asyncDispose]();
    },
  };
}

function nodeClient(link: OpenLink, { certificate: cert, privateKey: key }: TestNode): LinkClient {
  return new LinkClient(link.origin, { ca: link.ca, cert, key });
}

/** Who is no node of this installation, each in another way. */
async function createStrangers(
  control: TestControl,
): Promise<Readonly<Record<string, { readonly cert?: string; readonly key?: string }>>> {
  const now = control.clock.now();
  const { authority, id: installationId } = control.installation;
  const nodeId = (await control.node()).id;
  const theirs = await createAuthority({ name: "elsewhere", now });
  const { request, privateKey: key } = await createCertificateRequest();
  const node = async (from: typeof authority, options: { installationId: string; nodeId: string }) => ({
    cert: await issueNodeCertificate(from, { ...options, request, now }),
    key,
  });
  const server = await issueServerCertificate(authority, { hosts: ["127.0.0.1"], now });
  return {
    "no certificate": {},
    "a certificate of another CA that names this node": await node(theirs, { installationId, nodeId }),
    "our CA's certificate for another installation": await node(authority, {
      installationId: randomBytes(8).toString("hex"),
      nodeId,
    }),
    "our CA's certificate for a node that does not exist": await node(authority, {
      installationId,
      nodeId: randomUUID(),
    }),
    "another certificate for a node that exists": await node(authority, { installationId, nodeId }),
    "control's own certificate": { cert: server.certificate, key: server.privateKey },
  };
}
