import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { testApi } from "../../../test/harness/api.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { type KeystoneDouble, startKeystoneDouble } from "../../../test/harness/keystone-double.ts";
import { faultOf, novaCall } from "../../../test/harness/nova.ts";

async function world() {
  const opened = new AsyncDisposableStack();
  const api = opened.use(await testApi());
  const { services, admin, clock } = api.control;
  const keystone = opened.use(await startKeystoneDouble(() => clock.now()));
  await services.keystone.configure(
    admin,
    keystone.configuration({ projects: [{ keystone: "shop-id", project: "default" }] }),
  );
  keystone.tokens.set("alice-1", { user: "alice", project: "shop", roles: ["member"] });
  const servers = async (token: string) => await novaCall(api, "GET", "/v2.1/servers", { as: token });
  return {
    ...{ api, keystone, clock, services, admin, servers },
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  };
}

test("what Keystone said is remembered for as long as the setting says, and no longer", async () => {
  await using w = await world();
  const { keystone, clock } = w;

  for (let asked = 0; asked < 3; asked += 1) assert.equal((await w.servers("alice-1")).status, 200);
  assert.equal(keystone.asked, 1);
  keystone.tokens.delete("alice-1");
  clock.advance(59_999);
  assert.equal((await w.servers("alice-1")).status, 200);
  clock.advance(1);
  assert.equal((await w.servers("alice-1")).status, 401);
  assert.equal((await w.servers("alice-1")).status, 401);
  assert.equal(keystone.asked, 2, "that it is nobody's is remembered as well");
});

test("a token is taken no longer than it lives, though it is remembered", async () => {
  await using w = await world();
  w.keystone.tokens.set("short", {
    ...{ user: "alice", project: "shop", roles: ["member"] },
    expiresAt: w.clock.now() + 10_000,
  });

  assert.equal((await w.servers("short")).status, 200);
  w.clock.advance(10_000);

  assert.equal((await w.servers("short")).status, 401);
});

test("many requests with one token are one question", async () => {
  await using w = await world();

  const answers = await Promise.all(Array.from({ length: 20 }, () => w.servers("alice-1")));

  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.deepEqual([w.keystone.asked, w.keystone.signedIn], [1, 1]);
});

test("our own token is renewed before it ends, and where Keystone knows it no more", async () => {
  await using w = await world();
  const { keystone, clock } = w;
  await w.servers("alice-1");

  clock.advance(3_600_000 - 30_000);
  assert.equal((await w.servers("alice-1")).status, 200);
  assert.equal(keystone.signedIn, 2);
  keystone.forgetOwn();
  clock.advance(60_000);
  assert.equal((await w.servers("alice-1")).status, 200);
  assert.equal(keystone.signedIn, 3);
});

/** What is written into control's log as an error from here on. */
function errorsOf({ api: { control } }: Awaited<ReturnType<typeof world>>): readonly string[] {
  const lines: string[] = [];
  control.log.error = ((fields: object, message: string) => {
    lines.push(JSON.stringify({ ...fields, message }));
  }) as typeof control.log.error;
  return lines;
}

const TROUBLES: Readonly<Record<Exclude<KeystoneDouble["mood"], "answers" | "hangs">, RegExp>> = {
  huge: /"step":"answer".*it answers with more than 262144 bytes/,
  nonsense: /"step":"answer".*it is no token of the identity API, version 3/,
  broken: /"step":"answer".*answers a question about a token with status 500/,
  forbids: /"step":"rights".*give it the role service or admin/,
  moved: /"step":"answer".*with status 302; is the URL that of its \/v3\?/,
};

for (const [mood, said] of Object.entries(TROUBLES)) {
  test(`where Keystone is ${mood} nobody is told that a token is wrong, and the log says why`, async () => {
    await using w = await world();
    const lines = errorsOf(w);
    w.keystone.mood = mood as KeystoneDouble["mood"];

    const answer = await w.servers("alice-1");

    assert.deepEqual(faultOf(answer), [
      503,
      "serviceUnavailable",
      "The Keystone service is temporarily unavailable.",
    ]);
    assert.equal(answer.headers.get("retry-after"), "5");
    assert.match(lines.join("\n"), said);
    assert.ok(!lines.join().includes("alice-1") && !lines.join().includes("own-1"));
    w.keystone.mood = "answers";
    assert.equal((await w.servers("alice-1")).status, 200, "it is not remembered");
  });
}

test("a Keystone that hangs keeps nobody waiting but its own users, and of those only so many", async () => {
  await using w = await world();
  await w.services.settings.set(w.admin, "identity.keystone.cache", "0");
  assert.equal((await w.servers("alice-1")).status, 200);
  w.keystone.mood = "hangs";
  const from = { address: "192.0.2.9" };
  const waiting = Array.from(
    { length: 64 },
    async (_, each) =>
      await w.services.keystone.callerOf(new Secret(`hanging-${each}`), { address: `198.51.100.${each}` }),
  );

  const beyond = await w.servers("one-more");
  const ours = await novaCall(w.api, "GET", "/v2.1/servers");

  assert.equal(beyond.status, 503);
  assert.equal(ours.status, 200);
  await w.services.keystone.disable(w.admin);
  // Whoever asks next finds that it is off, and gives up what is under way.
  assert.equal(await w.services.keystone.callerOf(new Secret("another"), from), "unknown");
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(["unavailable"]));
});

test("who comes with all the tokens that may be asked about keeps nobody out but himself", async () => {
  await using w = await world();
  const lines = errorsOf(w);
  w.keystone.mood = "hangs";
  const flood = Array.from(
    { length: 64 },
    async (_, each) =>
      await w.services.keystone.callerOf(new Secret(`made-up-${each}`), { address: "192.0.2.9" }),
  );
  let isOver = false;
  for (const each of flood.slice(0, 32)) void each.then(() => (isOver = true));
  assert.deepEqual(new Set(await Promise.all(flood.slice(32))), new Set(["unavailable"]));
  await eventually(() => assert.equal(w.keystone.asked, 32));

  w.keystone.mood = "answers";

  assert.equal((await w.servers("alice-1")).status, 200, lines.join("\n"));
  assert.ok(!isOver, "he waits on");
  assert.match(lines.join("\n"), /one address has its share.*192\.0\.2\.9/);
  await w.services.keystone.disable(w.admin);
  await w.services.keystone.callerOf(new Secret("another"), { address: "192.0.2.9" });
  assert.deepEqual(new Set(await Promise.all(flood)), new Set(["unavailable"]));
});

test("what no token can be is not asked about", async () => {
  await using w = await world();

  for (const token of ["x".repeat(4097), "with a blank", "colon:secret"])
    assert.equal((await w.servers(token)).status, 401);

  assert.equal(w.keystone.asked, 0);
});

test("who is refused is pointed to Keystone, by the URL that clients know", async () => {
  await using w = await world();
  const challenge = async () => (await w.servers("nobodys")).headers.get("www-authenticate");

  assert.equal(await challenge(), `Keystone uri="${w.keystone.url}"`);
  await w.services.keystone.configure(w.admin, { publicUrl: "https://cloud.example.com/identity/" });
  assert.equal(await challenge(), 'Keystone uri="https://cloud.example.com/identity/v3"');
});
