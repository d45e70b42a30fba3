import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sql } from "kysely";
import { testReplicas } from "../harness/control.ts";
import { eventually } from "../harness/eventually.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { DOMAIN, MINUTE_MS, prepare, startOrdering } from "./ordering.ts";
import { lackingPebble, type Pebble, startPebble } from "./pebble.ts";
import { startSuggesting } from "./renewal-info.ts";

describe("an authority, in the middle of an order,", { skip: lackingPebble }, () => {
  let pebble: Pebble;
  before(async () => {
    pebble = await startPebble({ believesAll: true });
  });
  after(async () => await pebble[Symbol.asyncDispose]());

  test("that does not answer is given up when control stops, and that is no failure", async () => {
    await using at = await startOrdering(pebble);
    const asked = Promise.withResolvers<void>();
    at.authority.instead = async () => {
      asked.resolve();
      return await new Promise(() => {});
    };
    const stop = new AbortController();

    const looking = at.control.lookAfterCertificates(stop.signal);
    await asked.promise;
    assert.equal((await at.show()).state, "ordering");
    stop.abort();
    await looking;

    const { state, failures } = await at.show();
    assert.deepEqual([state, failures], ["waiting", 0]);
    at.authority.instead = undefined;
    await at.issued();
  });

  test("that has not come to an end is given up when something else is wanted, and that is tried", async () => {
    await using at = await startOrdering(pebble);
    const { control } = at;
    const asked = Promise.withResolvers<void>();
    at.authority.instead = async (path) => {
      if (!path.startsWith("/my-order/")) return undefined;
      asked.resolve();
      const { directory: finalize } = at.authority;
      const body = JSON.stringify({ status: "processing", authorizations: [], finalize });
      return { status: 200, headers: { "retry-after": "15" }, body };
    };
    let isOver = false;

    const looking = control.lookAfterCertificates().then(() => {
      isOver = true;
    });
    await asked.promise;
    await control.services.acme.configure(control.admin, { contact: "ops@example.com" });
    await eventually(() => assert.ok(isOver));
    await looking;

    const { failures, state } = await at.show();
    assert.deepEqual([failures, state], [0, "waiting"]);
    at.authority.instead = undefined;
    control.clock.advance(MINUTE_MS);
    await at.issued();
  });

  test("issues what is kept as soon as the database takes it", { skip: lackingPostgres }, async () => {
    await using cluster = await testReplicas(1);
    const [one] = cluster.replicas;
    assert.ok(one !== undefined);
    await using authority = await startSuggesting(pebble);
    await prepare(one, authority);
    // What a sequence has counted stays counted, though what was done with it is undone.
    await sql`CREATE SEQUENCE attempts`.execute(one.store.db);
    await sql`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF nextval('attempts') = 1 THEN RAISE EXCEPTION 'full'; END IF; RETURN NEW; END $$`.execute(
      one.store.db,
    );
    await sql`CREATE TRIGGER refuse BEFORE INSERT ON certificates FOR EACH ROW EXECUTE FUNCTION refuse()`.execute(
      one.store.db,
    );

    await one.lookAfterCertificates();

    const { state, failures } = await one.services.acme.show(one.admin);
    assert.deepEqual([state, failures, authority.orders.length], ["ready", 0, 1]);
  });

  test("issues in vain what nobody wants any more", async () => {
    await using at = await startOrdering(pebble);
    const { control } = at;
    at.authority.instead = async (path) => {
      if (path.startsWith("/finalize-order")) await control.services.acme.disable(control.admin);
      return undefined;
    };

    await control.lookAfterCertificates();

    assert.equal(at.authority.orders.length, 1);
    assert.deepEqual(await control.services.certificates.list(control.admin), []);
    assert.deepEqual(await at.show(), { state: "off" });
  });

  test("issues in vain for a domain that is another one by then", async () => {
    await using at = await startOrdering(pebble);
    const { control } = at;
    at.authority.instead = async (path) => {
      if (path.startsWith("/certZ/"))
        await control.services.settings.set(control.admin, "consoleproxy.url.domain", "other.example");
      return undefined;
    };

    await control.lookAfterCertificates();
    assert.deepEqual(await control.services.certificates.list(control.admin), []);
    at.authority.instead = undefined;

    assert.deepEqual((await at.issued()).names, ["other.example"]);
  });

  test("has one order of two replicas, and another one where the first of them has died", {
    skip: lackingPostgres,
  }, async () => {
    await using cluster = await testReplicas(2);
    const [one, two] = cluster.replicas;
    assert.ok(one !== undefined && two !== undefined);
    await using authority = await startSuggesting(pebble);
    await prepare(one, authority);
    await eventually(() => assert.equal(two.values.value("consoleproxy.url.domain"), DOMAIN));

    await Promise.all([one, two].map(async (each) => await each.lookAfterCertificates()));
    assert.equal(authority.orders.length, 1);

    await one.services.acme.renew(one.admin);
    const asked = Promise.withResolvers<void>();
    authority.instead = async () => {
      asked.resolve();
      return await new Promise(() => {});
    };
    const dead = new AbortController();
    const looking = one.lookAfterCertificates(dead.signal);
    await asked.promise;
    authority.instead = undefined;
    await two.lookAfterCertificates();
    assert.equal(authority.orders.length, 1);
    one.clock.advance(6 * MINUTE_MS);
    await two.lookAfterCertificates();
    assert.equal(authority.orders.length, 2);
    dead.abort();
    await looking;
  });
});
