import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { ERRORS, type ErrorCode } from "#wire/errors.ts";
import { BINARY_SUBPROTOCOL, SUBPROTOCOL } from "#wire/viewer.ts";
import type { ConsoleOptions } from "../../test/harness/console-options.ts";
import { eventually } from "../../test/harness/eventually.ts";
import type { IssuedConsole } from "../../test/harness/link-double.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream, type TestUpstream } from "../../test/harness/test-upstream.ts";
import { refusal, TestViewer, webSocketUrl } from "../../test/harness/test-viewer.ts";

let node: TestNode;
let machine: TestUpstream;
before(async () => {
  node = await startTestNode();
  machine = await startRfbUpstream();
});
after(async () => {
  await machine[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

interface Attempt {
  readonly console?: ConsoleOptions;
  /** What stands in the URL behind the ticket. */
  readonly query?: string;
  readonly ticket?: (issued: string) => string;
  readonly headers?: Record<string, string>;
}

const minute = 60_000;
/** Refused before the node knows which session it is about. */
const UNOPENED: ReadonlySet<ErrorCode> = new Set(["ticket_invalid", "origin_refused"]);
const ATTEMPTS: readonly [what: string, code: ErrorCode, attempt: Attempt][] = [
  ["an empty ticket", "ticket_invalid", { ticket: () => "" }],
  ["a ticket that is none", "ticket_invalid", { ticket: () => "nonsense" }],
  ["a ticket with a bit changed", "ticket_invalid", { ticket: (issued) => `${issued.slice(0, -4)}AAAA` }],
  ["another node's ticket", "ticket_foreign", { console: { claims: { nodeId: "node-2" } } }],
  [
    "a ticket from before the restart",
    "ticket_foreign",
    { console: { claims: { incarnation: "an-older-start-of-it" } } },
  ],
  ["an expired ticket", "ticket_expired", { console: { claims: { expiresAt: Date.now() - minute } } }],
  ["a missing extra token", "extra_token_mismatch", { console: { extra: "sesame" } }],
  ["a wrong extra token", "extra_token_mismatch", { console: { extra: "sesame" }, query: "&extra=simsim" }],
  [
    "another caller's ticket",
    "caller_address_mismatch",
    { console: { claims: { callerAddress: "192.0.2.1" } } },
  ],
  ["a page of another site", "origin_refused", { headers: { origin: "https://evil.example" } }],
  ["a machine that is gone", "machine_gone", { console: { refusal: "machine_gone" } }],
  ["a machine that does not run", "machine_not_running", { console: { refusal: "machine_not_running" } }],
  ["a right that was withdrawn", "access_withdrawn", { console: { refusal: "access_withdrawn" } }],
];

for (const [what, code, attempt] of ATTEMPTS) {
  test(`${what} is refused with a status before the upgrade`, async () => {
    const { ticket } = await ticketFor(attempt);
    const dialled = machine.callers.length;

    const refused = await refusal(urlOf(ticket, attempt), {
      protocols: [BINARY_SUBPROTOCOL],
      headers: attempt.headers ?? {},
    });

    assert.equal(refused.status, ERRORS[code].status);
    assert.equal(JSON.parse(refused.body).error.code, code);
    assert.equal(refused.headers["content-type"], "application/json");
    assert.match(String(refused.headers["content-security-policy"]), /default-src 'none'/);
    assert.equal(machine.callers.length, dialled);
  });

  test(`${what} is refused with an ending and a close code for porthole.v1`, async () => {
    const { sessionId, ticket } = await ticketFor(attempt);
    const dialled = machine.callers.length;

    await using viewer = await TestViewer.connect(urlOf(ticket, attempt), {
      protocols: [SUBPROTOCOL],
      headers: attempt.headers ?? {},
    });
    const closed = await viewer.untilClosed();

    const reference = UNOPENED.has(code) ? {} : { reference: sessionId };
    assert.deepEqual(viewer.texts, [{ type: "ending", ending: { kind: "refused", code, ...reference } }]);
    assert.deepEqual(closed, { code: ERRORS[code].close, reason: code });
    assert.equal(viewer.webSocket.protocol, SUBPROTOCOL);
    assert.equal(viewer.received, 0);
    assert.equal(machine.callers.length, dialled);
  });
}

test("no ticket at all is missing", async () => {
  const refused = await refusal(`${webSocketUrl(node.origin)}/websockify`, {
    protocols: [BINARY_SUBPROTOCOL],
  });

  assert.equal(refused.status, 401);
  assert.equal(JSON.parse(refused.body).error.code, "ticket_missing");
});

test("only sub-protocols that nobody here speaks are refused", async () => {
  const { ticket } = await node.control.issue({ upstream: machine.upstream });

  const refused = await refusal(urlOf(ticket, {}), { protocols: ["base64"] });

  assert.equal(refused.status, 400);
  assert.equal(JSON.parse(refused.body).error.code, "subprotocol_unsupported");
});

test("a ticket that is given twice is refused, and not spent", async () => {
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });

  const refused = await refusal(`${urlOf(ticket, {})}&token=${ticket}`);

  assert.equal(JSON.parse(refused.body).error.code, "request_invalid");
  assert.ok(!node.control.redemptions.some((redemption) => redemption.sessionId === sessionId));
});

test("a person's browser that opens the WebSocket address gets a page", async () => {
  const answer = await fetch(`${node.origin}/websockify?token=x`, { headers: { accept: "text/html" } });

  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /<h1>There is nothing here/);
});

test("what control does not answer is refused and spent, and ends as soon as control listens", async () => {
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  node.control.mood = "drop";
  const refused = await refusal(urlOf(ticket, {}));
  node.control.mood = "answer";

  assert.equal(refused.status, 503);
  const { code, reference } = JSON.parse(refused.body).error;
  assert.deepEqual({ code, reference }, { code: "control_unreachable", reference: sessionId });
  assert.equal(JSON.parse((await refusal(urlOf(ticket, {}))).body).error.code, "ticket_used");
  await eventually(() => assert.equal(node.control.endingOf(sessionId)?.ending?.code, "control_unreachable"));
});

test("a ticket opens one console: the second time it is used, for whoever brings it", async () => {
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();

  const refused = await refusal(urlOf(ticket, {}), { protocols: [BINARY_SUBPROTOCOL] });
  await using second = await TestViewer.porthole(node.origin, ticket);

  assert.equal(refused.status, 410);
  assert.equal(JSON.parse(refused.body).error.code, "ticket_used");
  assert.deepEqual(await second.untilClosed(), { code: 4411, reason: "ticket_used" });
});

test("of many that bring one ticket at once, one gets the console", async () => {
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });

  const outcomes = await Promise.allSettled(
    Array.from({ length: 16 }, async () => await refusal(urlOf(ticket, {}))),
  );

  const refusals = outcomes.flatMap((outcome) =>
    outcome.status === "fulfilled" ? [outcome.value.status] : [],
  );
  assert.deepEqual(refusals, Array(15).fill(410));
  assert.equal(node.control.redemptions.filter((redemption) => redemption.sessionId === sessionId).length, 1);
});

test("a node that carries as many consoles as it may is full, and spends no ticket", async () => {
  await using full = await startTestNode({ flags: { "max-sessions": "1" } });
  const [first, second] = [
    await full.control.issue({ upstream: machine.upstream }),
    await full.control.issue(),
  ];
  await using viewer = await TestViewer.bare(full.origin, first.ticket);
  await viewer.handshake();

  const refused = await refusal(`${webSocketUrl(full.origin)}/?token=${second.ticket}`);

  assert.equal(refused.status, 503);
  assert.equal(JSON.parse(refused.body).error.code, "node_full");
  assert.equal(full.control.redemptions.length, 1);
});

test("who leaves while control is asked is reported, and nothing is dialled", async () => {
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  const callers = machine.callers.length;
  const release = node.control.hold("redeem");
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(node.origin).port) });
  socket.write(handshake(ticket));
  await release.asked;

  socket.resetAndDestroy();
  release.answer();

  const report = await eventually(() => {
    const ended = node.control.endingOf(sessionId);
    assert.ok(ended !== undefined);
    return ended;
  });
  assert.equal(report.ending?.code, "viewer_lost");
  assert.equal(machine.callers.length, callers);
});

test("neither tickets nor addresses with them are ever logged", async () => {
  const { ticket } = await node.control.issue({ extra: "the-extra-token", upstream: machine.upstream });
  const url = `${urlOf(ticket, {})}&extra=the-extra-token`;
  await using viewer = await TestViewer.connect(url);
  await viewer.handshake();
  await refusal(url);

  const log = node.log();

  assert.match(log, /Console refused/);
  for (const secret of [ticket, "the-extra-token", "token=", "reopen-"])
    assert.ok(!log.includes(secret), secret);
});

async function ticketFor({ console, ticket = (issued) => issued }: Attempt): Promise<IssuedConsole> {
  const issued = await node.control.issue({ upstream: machine.upstream, ...console });
  return { sessionId: issued.sessionId, ticket: ticket(issued.ticket) };
}

function urlOf(ticket: string, { query = "" }: Attempt): string {
  return `${webSocketUrl(node.origin)}/p/x/websockify?token=${ticket}${query}`;
}

function handshake(ticket: string): string {
  return [
    `GET /websockify?token=${ticket} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
    "\r\n",
  ].join("\r\n");
}
