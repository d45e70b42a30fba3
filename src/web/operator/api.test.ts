import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, ApiError } from "./api.ts";

const MACHINE = {
  id: "m1",
  name: "web-1",
  projectId: "p1",
  project: "Default",
  protocol: "rfb",
  state: "running",
  pool: "default",
  createdAt: "2026-11-22T01:02:03.000Z",
};

interface Asked {
  readonly address: string;
  readonly init: RequestInit | undefined;
}

/** Control as a list of answers, given in turn. */
function control(...answers: readonly (readonly [status: number, body?: unknown])[]) {
  const asked: Asked[] = [];
  const send = async (input: RequestInfo | URL, init?: RequestInit) => {
    const [status, body] = answers[asked.length] ?? [500];
    asked.push({ address: String(input), init });
    return new Response(body === undefined ? null : JSON.stringify(body), { status });
  };
  return { asked, api: new Api(send) };
}

async function errorOf(call: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ApiError);
  return error;
}

test("addresses are relative, so that a front proxy may have any prefix", async () => {
  const { asked, api } = control([204]);

  await api.signOut();

  assert.equal(asked[0]?.address, "./api/v1/sign-out");
});

test("a sign-in code travels in the body and not in an address", async () => {
  const { asked, api } = control([204]);

  await api.signIn("c0de");

  assert.equal(asked[0]?.address, "./api/v1/sign-in");
  assert.equal(asked[0]?.init?.body, '{"code":"c0de"}');
});

test("machines are asked for page by page, until the last", async () => {
  const { asked, api } = control(
    [200, { items: [MACHINE], next: "a&b" }],
    [200, { items: [{ ...MACHINE, id: "m2" }] }],
  );

  const { items: machines, complete } = await api.machines("we b");

  assert.deepEqual(
    machines.map(({ id }) => id),
    ["m1", "m2"],
  );
  assert.ok(complete);
  assert.deepEqual(
    asked.map(({ address }) => address),
    ["./api/v1/machines?limit=500&keyword=we+b", "./api/v1/machines?limit=500&keyword=we+b&after=a%26b"],
  );
});

test("a list without an end is cut, and says so", async () => {
  const { asked, api } = control(
    ...Array.from({ length: 50 }, () => [200, { items: [MACHINE], next: "more" }] as const),
  );

  const { items: machines, complete } = await api.machines();

  assert.equal(machines.length, 10);
  assert.equal(asked.length, 10);
  assert.ok(!complete);
});

test("an error is the catalogue's, with its detail and reference", async () => {
  const { api } = control([401, { error: { code: "sign_in_code_invalid", detail: "d", reference: "r" } }]);

  const { code, detail, reference } = await errorOf(api.signIn("x"));

  assert.deepEqual(
    { code, detail, reference },
    { code: "sign_in_code_invalid", detail: "d", reference: "r" },
  );
});

test("what is not ours is nobody's answer: a proxy's page, or no network", async () => {
  const proxy = new Api(async () => new Response("<html>Bad Gateway</html>", { status: 502 }));
  assert.equal((await errorOf(proxy.me())).code, "no_answer");

  const offline = new Api(async () => {
    throw new TypeError("failed to fetch");
  });
  assert.equal((await errorOf(offline.me())).code, "no_answer");
});

test("an answer of another form than the contract's is refused, not shown", async () => {
  const { api } = control([200, { items: [{ ...MACHINE, state: "<b>" }] }]);

  assert.equal((await errorOf(api.machines())).code, "internal");
});
