import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { fingerprint } from "#tls/node-identity.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import type { LinkDouble } from "../../../test/harness/link-double.ts";
import { startTestNode, type TestNode } from "../../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../../test/harness/test-upstream.ts";
import { TestViewer } from "../../../test/harness/test-viewer.ts";
import { renewalOf } from "./certificate.ts";
import type { Identity } from "./identity.ts";

const DAY_MS = 24 * 3_600_000;
/** So old that they are in their last third. */
const OLD_MS = 70 * DAY_MS;
/** So old that a try that fails is not the last for an hour: they end in a minute. */
const VERY_OLD_MS = 90 * DAY_MS - 60_000;

test("a certificate in its last third is renewed while the node runs, for a new key, and the channel goes over", async () => {
  await using node = await startTestNode({ prepare: (control) => control.certificateAges.push(OLD_MS) });
  const { control } = node;

  await renewed(node);

  const identity = identityOf(node);
  assert.equal(control.renewals.length, 1, "and the new one is not renewed in turn");
  assert.equal(fingerprint(identity.certificate), control.renewedWith);
  assert.equal(control.shown.length, 2);
  assert.notEqual(control.shown[0], control.shown[1]);
  await eventually(() => assert.equal(control.channels.size, 1));
  assert.doesNotMatch(node.log(), /PRIVATE KEY/);
});

test("other nodes are shown the new certificate too", async () => {
  await using node = await startTestNode({ prepare: (control) => control.certificateAges.push(OLD_MS) });

  await renewed(node);

  const [host, port] = node.control.registrations[0]?.forwardAddress?.split(":") ?? [];
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  socket.on("error", () => {}); // Who shows no certificate is hung up on.
  await once(socket, "secureConnect");
  assert.equal(fingerprint(socket.getPeerCertificate()), node.control.renewedWith);
  socket.destroy();
});

test("a young certificate is left alone", async () => {
  await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });

  await eventually(() => assert.ok(node.control.heartbeats > 3));

  assert.equal(node.control.renewals.length, 0);
});

test("what was asked before a renewal is answered after it, and consoles go on", async () => {
  const held = Promise.withResolvers<ReturnType<LinkDouble["hold"]>>();
  await using node = await startTestNode({
    prepare: (control) => {
      control.certificateAges.push(OLD_MS);
      held.resolve(control.hold("renew"));
    },
  });
  const { control } = node;
  const renewal = await held.promise;
  await using machine = await startRfbUpstream();
  const [first, second] = [
    await control.issue({ upstream: machine.upstream }),
    await control.issue({ upstream: machine.upstream }),
  ];
  await using open = await TestViewer.bare(node.origin, first.ticket);
  await open.handshake();
  await renewal.asked;
  const redeem = control.hold("redeem");
  const opening = TestViewer.bare(node.origin, second.ticket);
  await redeem.asked;

  renewal.answer();
  await renewed(node);
  assert.equal(control.channels.size, 2, "the one before waits for its answer");
  redeem.answer();

  await using late = await opening;
  await late.handshake();
  await eventually(() => assert.equal(control.channels.size, 1));
  assert.equal(control.redemptions.length, 2);
  assert.equal(open.closed, undefined);
});

test("a renewal that fails is tried again, and until then nothing has changed", async () => {
  await using node = await startTestNode({
    prepare: (control) => {
      control.certificateAges.push(VERY_OLD_MS);
      control.refusals.push({ call: "renew", code: "internal" });
    },
  });
  const before = identityOf(node);

  await eventually(() => assert.match(node.log(), /could not be renewed yet/));
  assert.deepEqual(identityOf(node), before);
  await renewed(node);

  assert.notEqual(identityOf(node).certificate, before.certificate);
});

test("control is not told that the old certificate is done with before the new one is on disk", async () => {
  const held = Promise.withResolvers<ReturnType<LinkDouble["hold"]>>();
  await using node = await startTestNode({
    prepare: (control) => {
      control.certificateAges.push(VERY_OLD_MS);
      held.resolve(control.hold("renew"));
    },
  });
  const renewal = await held.promise;
  await renewal.asked;
  const data = join(node.folder, "data");
  // A folder in the place of the file that is written aside: nobody writes there, not even root.
  const inTheWay = join(data, "node-identity.json.new");
  mkdirSync(inTheWay);

  renewal.answer();
  await eventually(() => assert.match(node.log(), /could not be renewed yet/));
  assert.equal(node.control.renewedWith, undefined);
  rmdirSync(inTheWay);

  await renewed(node);
  assert.equal(node.control.renewals.length, 1, "the one that it has is kept, no other is asked for");
});

test("each node begins a little sooner than its last third, and none later", async () => {
  await using node = await startTestNode();
  const { certificate } = identityOf(node);
  const life = 90 * DAY_MS + 3_600_000;
  const end = Math.floor((node.control.certificatesFrom + 90 * DAY_MS) / 1000) * 1000;

  const times = Array.from({ length: 100 }, () => renewalOf(certificate));

  assert.ok(
    times.every((time) => time <= end - life / 3 + 1000 && time >= end - life / 3 - life / 30 - 1000),
  );
  assert.ok(new Set(times).size > 90);
});

async function renewed(node: TestNode): Promise<void> {
  await eventually(() => assert.match(node.log(), /certificate is renewed/));
}

function identityOf(node: TestNode): Identity {
  return JSON.parse(readFileSync(join(node.folder, "data", "node-identity.json"), "utf8"));
}
