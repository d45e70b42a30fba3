import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { pino } from "pino";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import { nodeIdentity } from "#tls/node-identity.ts";
import { DEFAULT_POOL } from "#wire/api.ts";
import { testControl } from "../../../test/harness/control.ts";
import { captureLog } from "../../../test/harness/test-node.ts";
import { startTokenReview, type TokenReviewPeer } from "../../../test/peers/token-review.ts";
import { createJoin } from "./join.ts";
import { createTokenReview } from "./token-review.ts";

const username = "system:serviceaccount:consoles:porthole-node";
const good = { username, audiences: ["porthole"], pod: "node-7d9c" };
const TOKENS = {
  good,
  unbound: { username, audiences: ["porthole"] },
  elsewhere: { ...good, audiences: ["vault"] },
  plain: { username, pod: "node-7d9c" },
  expired: { ...good, expired: true },
  stranger: { ...good, username: "system:serviceaccount:default:porthole-node" },
  person: { ...good, username: "jane@example.com" },
};

test("a pod whose service account may join is known by name, and is asked about with our audience", async () => {
  await using peer = await startTokenReview(TOKENS);

  assert.equal(await reviewer(peer)("good"), "consoles/node-7d9c");

  assert.deepEqual(peer.asked, [
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token: "good", audiences: ["porthole"] },
    },
  ]);
});

const REFUSED: readonly [token: string, why: RegExp][] = [
  ["unknown", /does not take the service account token: .*invalid bearer token/],
  ["expired", /service account token has expired/],
  ["elsewhere", /token audiences .* is invalid/],
  ["plain", /token audiences .* is invalid/],
  ["unbound", /bound to no pod/],
  ["stranger", /default\/porthole-node may not join/],
  ["person", /not that of a service account/],
];

for (const [token, detail] of REFUSED)
  test(`a token that is ${token} is refused, and it is said why`, async () => {
    await using peer = await startTokenReview(TOKENS);

    await assert.rejects(reviewer(peer)(token), { code: "join_token_invalid", detail });
  });

test("an API that knows nothing of audiences is not believed", async () => {
  await using peer = await startTokenReview(TOKENS);
  peer.ignoresAudiences = true;

  for (const token of ["good", "elsewhere"])
    await assert.rejects(reviewer(peer)(token), {
      code: "join_token_invalid",
      detail: /not for the audience/,
    });
});

for (const mood of ["huge", "nonsense", "broken"] as const)
  test(`an API that answers with what is ${mood} has not said that anybody may join`, async () => {
    await using peer = await startTokenReview(TOKENS);
    peer.mood = mood;

    await assert.rejects(reviewer(peer)("good"), { code: "kubernetes_unavailable" });
  });

test("an API that is down, or that refuses control, or that is not the one that was meant, lets nobody join", async () => {
  await using peer = await startTokenReview(TOKENS);
  await using other = await startTokenReview(TOKENS);

  await assert.rejects(reviewer({ ...peer, authorityFile: other.authorityFile })("good"), {
    code: "kubernetes_unavailable",
  });
  assert.deepEqual(peer.asked, []);
  writeFileSync(peer.tokenFile, "somebody");
  await assert.rejects(reviewer(peer)("good"), { code: "kubernetes_unavailable" });
  writeFileSync(peer.tokenFile, "control");
  assert.equal(await reviewer(peer)("good"), "consoles/node-7d9c", "the token's file is read anew");
  await peer.stop();
  await assert.rejects(reviewer(peer)("good"), { code: "kubernetes_unavailable" });
});

test("so many are asked about at once and no more", async () => {
  await using peer = await startTokenReview(TOKENS);
  const review = reviewer(peer);
  peer.mood = "hangs";

  const waiting = Array.from({ length: 16 }, async () => await review("good"));
  const refused = Promise.allSettled(waiting);
  await assert.rejects(review("good"), { code: "rate_limited" });
  await peer.stop();

  for (const { status } of await refused) assert.equal(status, "rejected");
  assert.ok(peer.asked.length <= 16);
});

test("neither token is logged, whatever becomes of it", async () => {
  await using peer = await startTokenReview(TOKENS);
  const log = captureLog();
  const review = reviewer(peer, log.logger);
  await review("good");
  for (const token of ["expired", "stranger"]) await assert.rejects(review(token));
  peer.mood = "nonsense";
  await assert.rejects(review("good"));

  assert.match(log.text(), /could not be asked about a token/);
  assert.doesNotMatch(log.text(), /Bearer|"good"|"stranger"/);
});

test("a node joins with a pod's token, with one of the two alone, and where control takes such tokens", async () => {
  await using peer = await startTokenReview(TOKENS);
  await using control = await testControl();
  const { authority, id: installationId } = control.installation;
  const parts = { ...control, log: pino({ level: "silent" }), authority, installationId };
  const join = createJoin({ ...parts, pods: { review: reviewer(peer), poolOf: () => DEFAULT_POOL } });
  const { request: certificateRequest } = await createCertificateRequest();

  const joined = await join({ serviceAccountToken: "good", certificateRequest });

  assert.equal(nodeIdentity(joined.certificate)?.nodeId, joined.nodeId);
  const { joinToken } = control;
  for (const shown of [{}, { joinToken, serviceAccountToken: "good" }])
    await assert.rejects(join({ ...shown, certificateRequest }), { code: "request_invalid" });
  const refused = join({ serviceAccountToken: "expired", certificateRequest });
  await assert.rejects(refused, { code: "join_token_invalid" });
  const elsewhere = control.link.join({ serviceAccountToken: "good", certificateRequest });
  await assert.rejects(elsewhere, { code: "join_token_invalid", detail: /takes no service account tokens/ });
  assert.equal((await control.services.nodes.list(control.admin)).length, 1);
});

function reviewer(
  { api, authorityFile, tokenFile }: Pick<TokenReviewPeer, "api" | "authorityFile" | "tokenFile">,
  log = pino({ level: "silent" }),
) {
  const serviceAccounts = ["consoles/another", "consoles/porthole-node"];
  return createTokenReview({ api, authorityFile, tokenFile, serviceAccounts, log });
}
