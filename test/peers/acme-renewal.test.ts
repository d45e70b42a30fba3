import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { renewalId } from "#tls/acme/renewal-info.ts";
import { testCertificate } from "../harness/test-certificates.ts";
import { onBoth } from "../harness/test-database.ts";
import { DOMAIN, MINUTE_MS, startOrdering } from "./ordering.ts";
import { lackingPebble, type Pebble, startPebble } from "./pebble.ts";

const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

describe("an authority", { skip: lackingPebble }, () => {
  let pebble: Pebble;
  before(async () => {
    pebble = await startPebble({ believesAll: true });
  });
  after(async () => await pebble[Symbol.asyncDispose]());

  for (const t of onBoth(
    "that suggests nothing has its certificate renewed at two thirds of its life",
    async () => {
      await using at = await startOrdering(pebble);
      const first = await at.issued();

      const { notBefore, notAfter } = await at.lifetime();
      const due = Date.parse(first.nextAttemptAt ?? "");
      const share = (due - notBefore) / (notAfter - notBefore);
      assert.ok(share > 2 / 3 - 1 / 20 - 0.001 && share <= 2 / 3, String(share));
      at.control.clock.advance(due - at.control.clock.now() - 1);
      await at.control.lookAfterCertificates();
      assert.equal(at.authority.orders.length, 1);
      at.control.clock.advance(1);
      const second = await at.issued();

      assert.notEqual(second.certificate, first.certificate);
      assert.equal(at.authority.orders.length, 2);
      assert.ok(at.authority.orders.every(({ replaces }) => replaces === undefined));
    },
  ))
    test(...t);

  for (const t of onBoth(
    "that suggests a window has it renewed there, as the successor of what it replaces",
    async () => {
      await using at = await startOrdering(pebble);
      const { clock } = at.control;
      const [start, end] = [clock.now() + 10 * DAY_MS, clock.now() + 12 * DAY_MS];
      at.authority.suggestion = suggest({ start, end }, { "retry-after": "7200" });
      await at.issued();
      const id = renewalId(await at.chain());

      const asked = await at.look();
      const window = { start: iso(start), end: iso(end), explanation: "https://example.com/why" };
      assert.deepEqual(asked.renewalWindow, window);
      const due = Date.parse(asked.nextAttemptAt ?? "");
      assert.ok(due >= start && due <= end);
      clock.advance(2 * HOUR_MS - 1);
      await at.look();
      assert.deepEqual(at.authority.asked, [id]);
      clock.advance(1);
      const again = await at.look();
      assert.deepEqual([at.authority.asked, again.nextAttemptAt], [[id, id], asked.nextAttemptAt]);
      clock.advance(due - clock.now());
      await at.issued();

      assert.deepEqual(
        at.authority.orders.map(({ replaces }) => replaces),
        [undefined, id],
      );
    },
  ))
    test(...t);

  for (const t of onBoth("that suggests yesterday is obeyed, a quarter of an hour later", async () => {
    await using at = await startOrdering(pebble);
    const { clock } = at.control;
    at.authority.suggestion = suggest({ start: clock.now() - 2 * DAY_MS, end: clock.now() - DAY_MS });
    const first = await at.issued();

    const { nextAttemptAt } = await at.look();
    assert.equal(nextAttemptAt, iso(clock.now() + 15 * MINUTE_MS));
    clock.advance(15 * MINUTE_MS);

    assert.notEqual((await at.issued()).certificate, first.certificate);
  }))
    test(...t);

  for (const t of onBoth("whose suggestion is nonsense, or gone, is asked again later", async () => {
    await using at = await startOrdering(pebble);
    const { clock } = at.control;
    const first = await at.issued();

    for (const suggestion of [
      suggest({ start: clock.now() + DAY_MS, end: clock.now() }),
      { status: 200, body: "<html>" },
      { status: 404, body: "" },
    ]) {
      at.authority.suggestion = suggestion;
      clock.advance(DAY_MS);
      const before = at.authority.asked.length;
      const acme = await at.look();
      assert.deepEqual([acme.state, acme.renewalWindow], ["ready", undefined]);
      assert.equal(acme.nextAttemptAt, first.nextAttemptAt);
      await at.look();
      assert.equal(at.authority.asked.length, before + 1);
    }
  }))
    test(...t);

  for (const explanationURL of ["javascript:alert(1)", "\u001b[2J", 7])
    test(`whose explanation is ${JSON.stringify(explanationURL)} is obeyed without one`, async () => {
      await using at = await startOrdering(pebble);
      const [start, end] = [at.control.clock.now() + DAY_MS, at.control.clock.now() + 2 * DAY_MS];
      const suggestedWindow = { start: iso(start), end: iso(end) };
      at.authority.suggestion = { status: 200, body: JSON.stringify({ suggestedWindow, explanationURL }) };
      await at.issued();

      assert.deepEqual((await at.look()).renewalWindow, suggestedWindow);
    });

  test("that is busy when it is asked is asked again when it says", async () => {
    await using at = await startOrdering(pebble);
    const { clock } = at.control;
    at.authority.suggestion = { status: 503, headers: { "retry-after": "7200" }, body: "" };
    await at.issued();

    await at.look();
    clock.advance(2 * HOUR_MS - 1);
    await at.look();
    assert.equal(at.authority.asked.length, 1);
    clock.advance(1);
    await at.look();

    assert.equal(at.authority.asked.length, 2);
  });

  for (const t of onBoth("that has had enough is left alone for as long as it says", async () => {
    await using at = await startOrdering(pebble);
    const { clock } = at.control;
    const kept = await at.issued();
    at.authority.instead = async (path) =>
      path === "/order-plz"
        ? {
            status: 429,
            headers: {
              "content-type": "application/problem+json",
              "retry-after": String((3 * HOUR_MS) / 1000),
            },
            body: JSON.stringify({
              type: "urn:ietf:params:acme:error:rateLimited",
              detail: `too many certificates\u202e for ${DOMAIN}\n${"x".repeat(5000)}`,
            }),
          }
        : undefined;

    await at.control.services.acme.renew(at.control.admin);
    const refused = await at.look();

    assert.deepEqual(
      [refused.state, refused.failures, refused.certificate],
      ["failing", 1, kept.certificate],
    );
    assert.match(
      refused.problem ?? "",
      /^the authority has issued or refused too much .*“too many certificates {2}?for/,
    );
    assert.match(refused.problem ?? "", /left alone for 180 minutes$/);
    assert.ok((refused.problem ?? "").length < 400);
    assert.equal(refused.nextAttemptAt, iso(clock.now() + 3 * HOUR_MS));
    at.authority.instead = undefined;
    clock.advance(3 * HOUR_MS - 1);
    assert.equal((await at.look()).state, "failing");
    clock.advance(1);
    assert.notEqual((await at.issued()).certificate, kept.certificate);
  }))
    test(...t);

  for (const t of onBoth(
    "that goes on failing is tried ever less often, six hours apart in the end",
    async () => {
      await using at = await startOrdering(pebble);
      const { clock } = at.control;
      at.authority.instead = async () => ({ status: 503, body: "" });

      const waits: number[] = [];
      for (let failure = 1; failure <= 10; failure++) {
        const { nextAttemptAt, failures } = await at.look();
        assert.equal(failures, failure);
        waits.push(Date.parse(nextAttemptAt ?? "") - clock.now());
        clock.advance(waits.at(-1) ?? 0);
      }

      const expected = [5, 10, 20, 40, 80, 160, 320, 360, 360, 360];
      for (const [index, minutes] of expected.entries()) {
        const wait = (waits[index] ?? 0) / MINUTE_MS;
        assert.ok(wait >= minutes && wait <= minutes * 1.06, `${index}: ${wait}`);
      }
    },
  ))
    test(...t);

  for (const t of onBoth("whose certificate is not what was ordered issues in vain", async () => {
    await using at = await startOrdering(pebble);
    const { pem } = await testCertificate({ names: [DOMAIN] });
    at.authority.instead = async (path) =>
      path.startsWith("/certZ/") ? { status: 200, headers: {}, body: pem } : undefined;

    const { problem } = await at.look();

    assert.match(problem ?? "", /issued cannot be used: the private key does not fit/);
    assert.deepEqual(await at.control.services.certificates.list(at.control.admin), []);
  }))
    test(...t);

  test("that does not want to hear what is replaced issues all the same", async () => {
    await using at = await startOrdering(pebble);
    const { clock } = at.control;
    at.authority.suggestion = suggest({ start: clock.now() + DAY_MS, end: clock.now() + 2 * DAY_MS });
    await at.issued();
    await at.look();
    let refused = 0;
    at.authority.instead = async (path) => {
      if (path !== "/order-plz" || refused++ > 0) return undefined;
      const body = JSON.stringify({ type: "urn:ietf:params:acme:error:alreadyReplaced", detail: "again?" });
      return { status: 409, headers: { "content-type": "application/problem+json" }, body };
    };
    clock.advance(2 * DAY_MS);

    await at.issued();

    assert.equal(refused, 2);
    assert.equal(at.authority.orders.at(-1)?.replaces, undefined);
  });

  test("that asks for another name than the one that was ordered gets no answer", async () => {
    await using at = await startOrdering(pebble);
    const { control } = at;
    await control.services.acme.configure(control.admin, { challenge: "dns-01" });
    at.authority.instead = async (path) => {
      if (!path.startsWith("/authZ/")) return undefined;
      const challenges = [{ type: "dns-01", url: at.authority.directory, status: "pending", token: "x" }];
      const identifier = { type: "dns", value: "other.example" };
      return { status: 200, body: JSON.stringify({ status: "pending", identifier, challenges }) };
    };

    assert.match((await at.look()).problem ?? "", /not ACME \(an authorization\)/);
    assert.deepEqual(await control.store.db.selectFrom("dns_texts").selectAll().execute(), []);
  });

  test("that has decided against us before is not answered, and its reason is told", async () => {
    await using at = await startOrdering(pebble);
    const asked: string[] = [];
    at.authority.instead = async (path) => {
      asked.push(path);
      if (!path.startsWith("/authZ/")) return undefined;
      const error = { type: "urn:ietf:params:acme:error:connection", detail: "timeout" };
      const url = new URL("/chalZ/x", at.authority.directory).href;
      const challenges = [{ type: "http-01", url, status: "invalid", token: "x", error }];
      const identifier = { type: "dns", value: DOMAIN };
      return { status: 200, body: JSON.stringify({ status: "invalid", identifier, challenges }) };
    };

    assert.match((await at.look()).problem ?? "", /is yours: “timeout”; see that port 80/);
    assert.ok(!asked.includes("/chalZ/x"));
  });

  for (const t of onBoth(
    "that does not get to one node issues for the others, and is asked for the same again only when that ends",
    async () => {
      await using at = await startOrdering(pebble);
      const { control, authority } = at;
      const { clock, store } = control;
      await control.services.settings.set(control.admin, "consoleproxy.url.domain", `*.${DOMAIN}`);
      for (const host of ["203.0.113.7", "203.0.113.8"]) await control.node({ pageOrigin: `http://${host}` });
      const [seen, unseen] = [`203-0-113-7.${DOMAIN}`, `203-0-113-8.${DOMAIN}`];
      const ordered = () => authority.orders.map(({ identifiers }) => identifiers.length);
      const lookAt = async (ms: number) => {
        clock.advance(ms - clock.now());
        await store.db.updateTable("nodes").set({ seen_at: clock.now() }).execute();
        return await at.look();
      };
      authority.unseen = unseen;

      const first = await at.look();
      assert.match(
        first.problem ?? "",
        /203-0-113-8\.console\.example is yours: “timeout”; see that port 80/,
      );
      assert.deepEqual([first.state, first.failures], ["failing", 1]);
      assert.deepEqual((await control.issued.current())?.names, [seen]);
      assert.deepEqual(ordered(), [2, 1]);
      const again = await lookAt(Date.parse(first.nextAttemptAt ?? ""));
      assert.deepEqual([again.failures, again.certificate], [2, first.certificate]);
      assert.deepEqual(ordered(), [2, 1, 2]);
      const { notBefore, notAfter } = await at.lifetime();
      const renewed = await lookAt(Math.ceil(notBefore + ((notAfter - notBefore) * 2) / 3));
      assert.notEqual(renewed.certificate, first.certificate);
      assert.deepEqual(ordered(), [2, 1, 2, 2, 1]);
      authority.unseen = undefined;

      const all = await lookAt(Date.parse(renewed.nextAttemptAt ?? ""));
      assert.deepEqual([all.state, all.failures, all.problem], ["ready", 0, undefined]);
      assert.deepEqual([...((await control.issued.current())?.names ?? [])].sort(), [seen, unseen]);
    },
  ))
    test(...t);

  test("that answers too much, or nothing that is ACME, is an error and no more", async () => {
    await using at = await startOrdering(pebble);
    const huge = Buffer.alloc(300 * 1024, "[");

    for (const [body, words] of [
      [huge, /not ACME \(an answer of more than 262144 bytes\)/],
      ["<html>", /not ACME \(the directory\)/],
      [
        JSON.stringify({ newNonce: "http://127.0.0.1/", newAccount: "", newOrder: "" }),
        /not ACME \(an address\)/,
      ],
    ] as const) {
      at.authority.instead = async () => ({ status: 200, body });
      await at.control.services.acme.renew(at.control.admin);
      assert.match((await at.look()).problem ?? "", words);
    }
  });
});

function suggest(
  { start, end }: { readonly start: number; readonly end: number },
  headers: Readonly<Record<string, string>> = {},
) {
  const suggestedWindow = { start: iso(start), end: iso(end) };
  const explanationURL = "https://example.com/why";
  return {
    status: 200,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ suggestedWindow, explanationURL }),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
