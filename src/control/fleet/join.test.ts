import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import { fingerprint, nodeIdentity } from "#tls/node-identity.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createJoin } from "./join.ts";
import { sweepJoinTokens } from "./join-tokens.ts";

for (const t of onBoth(
  "a node that joins gets an id, a certificate that says so, and the CA that the token named",
  async () => {
    await using control = await testControl();

    const answer = await join(control, control.joinToken);

    assert.deepEqual(nodeIdentity(answer.certificate), {
      installationId: control.installation.id,
      nodeId: answer.nodeId,
    });
    assert.equal(fingerprint(answer.authority), control.joinToken.split(".")[0]);
  },
))
  test(...t);

for (const t of onBoth("a join token is good for so many nodes, however many come at once", async () => {
  await using control = await testControl();
  const { token } = await control.services.nodes.addJoinToken(control.admin, { uses: 3 });

  const results = await Promise.allSettled(Array.from({ length: 8 }, async () => await join(control, token)));

  const refused = results.filter((result) => result.status === "rejected");
  assert.equal(refused.length, 5);
  for (const { reason } of refused) assert.equal(reason.code, "join_token_invalid");
  assert.equal((await control.services.nodes.list(control.admin)).length, 3);
}))
  test(...t);

for (const t of onBoth(
  "a join token is good until its time is over, a day unless asked otherwise",
  async () => {
    await using control = await testControl();
    const long = await control.services.nodes.addJoinToken(control.admin, { uses: 2 });
    const short = await control.services.nodes.addJoinToken(control.admin, { expiresInSeconds: 1 });
    assert.equal(long.expiresAt, new Date(control.clock.now() + 86_400_000).toISOString());

    control.clock.advance(86_399_999);
    await assert.rejects(join(control, short.token), { code: "join_token_invalid" });
    await join(control, long.token);
    control.clock.advance(1);
    await assert.rejects(join(control, long.token), { code: "join_token_invalid" });
  },
))
  test(...t);

for (const t of onBoth("what is no join token is refused", async () => {
  await using control = await testControl();
  const [fingerprintPart = "", secret = ""] = control.joinToken.split(".");

  for (const token of [
    "",
    ".",
    fingerprintPart,
    `${fingerprintPart}.`,
    `${fingerprintPart}.${secret.slice(1)}`,
  ])
    await assert.rejects(join(control, token), { code: "join_token_invalid" });
}))
  test(...t);

for (const t of onBoth("a certificate request that is none costs no use of the token", async () => {
  await using control = await testControl();
  const { token } = await control.services.nodes.addJoinToken(control.admin, { uses: 1 });

  const broken = control.link.join({ joinToken: token, certificateRequest: "nonsense" });

  await assert.rejects(broken, { code: "request_invalid", detail: /^certificateRequest: / });
  await join(control, token);
}))
  test(...t);

for (const t of onBoth("join tokens that are over are forgotten", async () => {
  await using control = await testControl();
  const { token } = await control.services.nodes.addJoinToken(control.admin, { uses: 1 });
  await control.services.nodes.addJoinToken(control.admin, { expiresInSeconds: 1 });
  const good = await control.services.nodes.addJoinToken(control.admin, {});
  await join(control, token);
  control.clock.advance(1000);

  await sweepJoinTokens(control.store);

  const { length } = await control.store.db.selectFrom("join_tokens").select("hash").execute();
  assert.equal(length, 2, "the bootstrap's and the good one");
  await join(control, good.token);
}))
  test(...t);

for (const t of onBoth("a pod that joins by itself is of the pool that its name says", async () => {
  await using control = await testControl();
  const { authority, id: installationId } = control.installation;
  const parts = { ...control, log: pino({ level: "silent" }), authority, installationId };
  const pods = { review: async () => "consoles/edge-0", poolOf: (pod: string) => `pool-of-${pod.slice(9)}` };
  const { request: certificateRequest } = await createCertificateRequest();

  await createJoin({ ...parts, pods })({ serviceAccountToken: "the pod's", certificateRequest });

  const [node] = await control.services.nodes.list(control.admin);
  assert.equal(node?.pool, "pool-of-edge-0");
}))
  test(...t);

async function join(control: TestControl, joinToken: string) {
  const { request } = await createCertificateRequest();
  return await control.link.join({ joinToken, certificateRequest: request });
}
