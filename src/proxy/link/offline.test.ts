import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grant } from "#wire/grant.ts";
import { ALL_RIGHTS } from "#wire/rights.ts";
import type { ConsoleOptions } from "../../../test/harness/console-options.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import type { IssuedConsole } from "../../../test/harness/link-double.ts";
import { startTestNode, type TestNode } from "../../../test/harness/test-node.ts";
import { startRfbUpstream, type TestUpstream } from "../../../test/harness/test-upstream.ts";
import { refusal, TestViewer, webSocketUrl } from "../../../test/harness/test-viewer.ts";
import { OfflineGrants } from "./offline-grants.ts";

const ACCEPT = { acceptOffline: true, heartbeatIntervalMs: 100 } as const;

test("while no control answers a ticket is refused, unless the policy is to accept it", async () => {
  for (const acceptOffline of [true, false, undefined]) {
    await using node = await startTestNode({
      settings: acceptOffline === undefined ? {} : { acceptOffline },
    });
    await using machine = await startRfbUpstream();
    const { ticket } = await given(node, machine);
    node.control.mood = "drop";

    if (acceptOffline === true) {
      await using viewer = await TestViewer.bare(node.origin, ticket);
      assert.equal((await viewer.handshake()).name, "web-1");
    } else assert.equal(await refusedWith(node, ticket), "control_unreachable");
  }
});

test("a ticket is accepted once, and only where the node has its grant", async () => {
  await using node = await startTestNode({ settings: ACCEPT });
  await using machine = await startRfbUpstream();
  const { ticket } = await given(node, machine);
  const unknown = await node.control.issue({ upstream: machine.upstream });
  node.control.mood = "drop";

  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();

  assert.equal(await refusedWith(node, ticket), "ticket_used");
  assert.equal(await refusedWith(node, unknown.ticket), "control_unreachable");
  await machine.caller();
  assert.equal(machine.callers.length, 1);
});

test("the extra token and the address that a ticket is bound to are asked for as ever", async () => {
  await using node = await startTestNode({ settings: ACCEPT });
  await using machine = await startRfbUpstream();
  const extra = await given(node, machine, { extra: "s3cret" });
  const bound = await given(node, machine, { claims: { callerAddress: "203.0.113.9" } });
  const expired = await given(node, machine, { claims: { expiresAt: node.control.now - 1 } });
  node.control.mood = "drop";

  assert.equal(await refusedWith(node, extra.ticket), "extra_token_mismatch");
  assert.equal(await refusedWith(node, bound.ticket), "caller_address_mismatch");
  assert.equal(await refusedWith(node, expired.ticket), "ticket_expired");
  await using viewer = await TestViewer.connect(
    `${webSocketUrl(node.origin)}/websockify?token=${extra.ticket}&extra=s3cret`,
  );
  await viewer.handshake();
});

test("control is asked first, and a grant that was given ahead is nothing beside its word", async () => {
  await using node = await startTestNode({ settings: ACCEPT });
  await using machine = await startRfbUpstream();
  const { ticket } = await given(node, machine, { refusal: "access_withdrawn" });

  assert.equal(await refusedWith(node, ticket), "access_withdrawn");

  node.control.mood = "drop";
  assert.equal(await refusedWith(node, ticket), "ticket_used");
  assert.equal(machine.callers.length, 0);
});

test("what control ends before anybody comes is not opened any more", async () => {
  await using node = await startTestNode({ settings: ACCEPT });
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await given(node, machine);
  const { incarnation } = node.control.registrations[0] ?? { incarnation: "" };
  const session = { sessionId, attachment: 1, code: "session_ended" };

  const { body } = await node.control.command("end-sessions", { incarnation, sessions: [session] });

  assert.deepEqual(body, { unknown: [sessionId] });
  node.control.mood = "drop";
  assert.equal(await refusedWith(node, ticket), "control_unreachable");
});

test("when control is back it is told who came and when, with every word about that console, and may end it", async () => {
  await using node = await startTestNode({ settings: ACCEPT });
  const { control } = node;
  await using machine = await startRfbUpstream();
  const [kept, withdrawn] = [await given(node, machine), await given(node, machine)];
  control.mood = "drop";
  await eventually(() => assert.match(node.log(), /Control does not answer as it should/));
  await using viewer = await TestViewer.bare(node.origin, kept.ticket);
  await viewer.handshake();
  await using other = await TestViewer.porthole(node.origin, withdrawn.ticket);
  await other.handshake();

  control.over.push({ sessionId: withdrawn.sessionId, attachment: 1, code: "access_withdrawn" });
  control.mood = "answer";
  assert.equal((await other.untilClosed()).reason, "access_withdrawn");
  viewer.webSocket.close();
  await eventually(() =>
    assert.ok(control.endingOf(kept.sessionId) && control.endingOf(withdrawn.sessionId)),
  );

  for (const { sessionId } of [kept, withdrawn]) {
    const reports = control.reports.filter((report) => report.sessionId === sessionId);
    const nonces = new Set(reports.map(({ redeemed }) => redeemed?.nonce));
    assert.equal(nonces.size, 1, "one redemption");
    assert.ok(!nonces.has(undefined), "in every report");
    assert.equal(reports[0]?.redeemed?.viewerAddress, "127.0.0.1");
    assert.equal(reports.filter(({ state }) => state === "ended").length, 1);
  }
  assert.equal(control.redemptions.length, 0);
});

test("a grant is given to this start of the node, and kept no longer than its ticket is good", async () => {
  await using node = await startTestNode({ settings: ACCEPT });
  const command = async (incarnation: string) =>
    await node.control.command("grants", { incarnation, grants: [] });

  assert.equal((await command("another-start-of-it")).error?.code, "node_superseded");
  let now = 1_000;
  const grants = new OfflineGrants({ now: () => now });
  const [one, two] = [grantOf("one"), grantOf("two")];

  assert.deepEqual(
    grants.keep([
      { grant: one, expiresAt: 2_000 },
      { grant: two, expiresAt: 3_000 },
      { grant: grantOf("over"), expiresAt: 1_000 },
    ]),
    ["one", "two"],
  );
  now = 2_000;
  await eventually(() => assert.equal(grants.size, 1));
  assert.equal(grants.take(one), undefined);
  assert.deepEqual(grants.take(two), two);
  assert.equal(grants.take(two), undefined);
});

test("so many grants are kept and no more, and one that comes again takes no room", () => {
  const grants = new OfflineGrants({ now: () => 0 });
  const given = Array.from({ length: 10_001 }, (_, n) => ({ grant: grantOf(String(n)), expiresAt: 1 }));

  assert.equal(grants.keep(given).length, 10_000);
  assert.deepEqual(grants.keep(given.slice(0, 1)), ["0"]);
  assert.deepEqual(grants.keep(given.slice(-1)), []);

  grants.clear();
  assert.equal(grants.size, 0);
});

test("grants with certificates are kept as far as there is room, and what is taken makes room", () => {
  const grants = new OfflineGrants({ now: () => 0 });
  const pem = "x".repeat(16_384);
  const client = { certificate: pem, key: pem };
  const tls = { mode: "verify", ca: pem, serverName: "kvm.example.com", client } as const;
  const given = Array.from({ length: 1_000 }, (_, n) => {
    const grant: Grant = grantOf(String(n));
    const upstream = { guarded: { address: { kind: "tcp", host: "127.0.0.1", port: 1 }, tls } } as const;
    return { grant: { ...grant, upstream }, expiresAt: 1 };
  });

  const [first, ...kept] = grants.keep(given);
  const refused = given.slice(1 + kept.length);

  assert.ok(kept.length > 500 && refused.length > 100, `${kept.length} are kept`);
  assert.deepEqual(grants.keep(given.slice(0, 1)), [first], "one that comes again takes no room");
  assert.deepEqual(grants.keep(refused), []);
  assert.ok(given[0] !== undefined && grants.take(given[0].grant) !== undefined);
  assert.deepEqual(
    grants.keep(refused),
    refused.slice(0, 1).map(({ grant }) => grant.sessionId),
  );
});

/** A console whose grant the node was given when it was issued. */
async function given(
  { control }: TestNode,
  { upstream }: TestUpstream,
  options: ConsoleOptions = {},
): Promise<IssuedConsole> {
  const issued = await control.issue({ upstream, ...options });
  const { incarnation } = control.registrations[0] ?? { incarnation: "" };
  const grant = { ...grantOf(issued.sessionId), upstream };
  const grants = [{ grant, expiresAt: control.now + 60_000 }];
  const { body } = await control.command("grants", { incarnation, grants });
  assert.deepEqual(body, { kept: [issued.sessionId] });
  return issued;
}

function grantOf(sessionId: string): Grant {
  return {
    sessionId,
    attachment: 1,
    machine: { id: "machine-1", name: "web-1" },
    protocol: "rfb",
    upstream: { address: { kind: "tcp", host: "127.0.0.1", port: 1 } },
    rights: ALL_RIGHTS,
    reopen: `${sessionId}.reopen`,
  };
}

async function refusedWith({ origin }: TestNode, ticket: string): Promise<string> {
  const { body } = await refusal(`${webSocketUrl(origin)}/websockify?token=${ticket}`);
  return JSON.parse(body).error.code;
}
