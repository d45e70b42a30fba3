import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account } from "#wire/api.ts";
import { ApiError } from "./api.ts";
import { Visitor } from "./visitor.ts";

const ACCOUNT: Account = {
  id: "a",
  name: "admin",
  role: "admin",
  disabled: false,
  projects: [],
  createdAt: "2026-11-22T00:00:00Z",
};

/** Control of which a test says what it answers; an error is thrown. */
function visitor(answers: {
  readonly signIn?: ApiError;
  readonly signOut?: ApiError;
  readonly me?: ApiError;
}): { readonly visitor: Visitor; readonly calls: string[] } {
  const calls: string[] = [];
  const answer = async (call: string, error: ApiError | undefined) => {
    calls.push(call);
    if (error !== undefined) throw error;
  };
  return {
    calls,
    visitor: new Visitor({
      signIn: async (code) => await answer(`sign-in ${code}`, answers.signIn),
      signOut: async () => await answer("sign-out", answers.signOut),
      me: async () => {
        await answer("me", answers.me);
        return ACCOUNT;
      },
    }),
  };
}

const error = (code: ConstructorParameters<typeof ApiError>[0]) => new ApiError(code);

test("a sign-in link's code is exchanged before anything else is asked", async () => {
  const { visitor: somebody, calls } = visitor({});

  await somebody.arrive("c0de");

  assert.deepEqual(calls, ["sign-in c0de", "me"]);
  assert.deepEqual(somebody.presence.value, { kind: "signed-in", account: ACCOUNT });
});

test("who comes without a link and without a session is not signed in, which is no error", async () => {
  const { visitor: somebody } = visitor({ me: error("unauthenticated") });

  await somebody.arrive();

  assert.deepEqual(somebody.presence.value, { kind: "signed-out", wasIn: false });
});

test("a used link says so to who has no session, and lets in who has one", async () => {
  const used = error("sign_in_code_invalid");
  const without = visitor({ signIn: used, me: error("unauthenticated") }).visitor;
  await without.arrive("c0de");
  assert.deepEqual(without.presence.value, { kind: "signed-out", wasIn: false, error: used });

  const having = visitor({ signIn: used }).visitor;
  await having.arrive("c0de");
  assert.equal(having.presence.value.kind, "signed-in");
});

test("where nobody answers, that is what is said", async () => {
  const { visitor: somebody } = visitor({ me: error("no_answer") });

  await somebody.arrive();

  assert.deepEqual(somebody.presence.value, {
    ...{ kind: "signed-out", wasIn: false },
    error: error("no_answer"),
  });
});

test("a request that finds the session over signs out; other errors do not", async () => {
  const { visitor: somebody } = visitor({});
  await somebody.arrive();

  somebody.notice(error("internal"));
  assert.equal(somebody.presence.value.kind, "signed-in");

  somebody.notice(error("unauthenticated"));
  assert.deepEqual(somebody.presence.value, { kind: "signed-out", wasIn: true });
});

test("signing out that did not reach control is not shown as done", async () => {
  const { visitor: somebody } = visitor({ signOut: error("no_answer") });
  await somebody.arrive();

  await assert.rejects(somebody.signOut(), { code: "no_answer" });
  assert.equal(somebody.presence.value.kind, "signed-in");
});
