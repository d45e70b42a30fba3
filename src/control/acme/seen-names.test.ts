import assert from "node:assert/strict";
import { test } from "node:test";
import { AcmeError } from "#tls/acme/acme-error.ts";
import { issueForSeen } from "./seen-names.ts";

const WANTED = ["a", "b", "c", "d", "e"];

test("what an authority could not see is left out of the next order, and told", async () => {
  const failure = unseen("b", ["d"]);
  const { ordered, issue } = answering(failure);

  const issued = await issueForSeen(WANTED, { issue, isWorth: () => true });

  assert.deepEqual(ordered, [WANTED, ["a", "c", "e"]]);
  assert.deepEqual(issued, { certificate: "a,c,e", names: ["a", "c", "e"], unseen: failure });
});

test("after the third order in vain it is enough", async () => {
  const last = unseen("c");
  const { ordered, issue } = answering(unseen("a"), unseen("b"), last, unseen("d"));

  await assert.rejects(issueForSeen(WANTED, { issue, isWorth: () => true }), last);

  assert.equal(ordered.length, 3);
});

const hopeless: Readonly<Record<string, Error>> = {
  "nothing is left": unseen("a", ["b", "c", "d", "e"]),
  "it is a name that was not ordered": unseen("z"),
  "it was looked for in DNS, which is one for all names": unseen("a", [], "dns-01"),
  "the authority refuses all of it": new AcmeError({ kind: "refused", status: 429, problem: undefined }),
  "it is no fault of the authority's": new Error("the database is away"),
};
for (const [why, failure] of Object.entries(hopeless))
  test(`nothing else is ordered where ${why}`, async () => {
    const { ordered, issue } = answering(failure);

    await assert.rejects(issueForSeen(WANTED, { issue, isWorth: () => true }), failure);

    assert.deepEqual(ordered, [WANTED]);
  });

test("nothing else is ordered where a certificate for the rest is not wanted", async () => {
  const failure = unseen("a");
  const { issue } = answering(failure);
  const asked: (readonly string[])[] = [];

  await assert.rejects(issueForSeen(WANTED, { issue, isWorth: (names) => asked.push(names) === 0 }), failure);

  assert.deepEqual(asked, [["b", "c", "d", "e"]]);
});

function unseen(name: string, others: readonly string[] = [], challenge = "http-01"): AcmeError {
  return new AcmeError({ kind: "challenge", name, others, challenge, problem: undefined });
}

/** An authority that fails so often, and issues then. */
function answering(...failures: readonly Error[]) {
  const ordered: (readonly string[])[] = [];
  const issue = async (names: readonly string[]) => {
    const failure = failures[ordered.length];
    ordered.push(names);
    if (failure !== undefined) throw failure;
    return names.join();
  };
  return { ordered, issue };
}
