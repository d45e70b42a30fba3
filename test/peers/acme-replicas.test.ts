import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { hostPort } from "#base/config.ts";
import type { Acme } from "#wire/acme.ts";
import { eventually } from "../harness/eventually.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { startReplica } from "../harness/replica.ts";
import { scratch } from "../harness/scratch.ts";
import { createDatabase } from "../harness/shared-postgres.ts";
import { lackingPebble, startPebble } from "./pebble.ts";
import { startSuggesting } from "./renewal-info.ts";
import { lackingUnbound, startUnbound } from "./unbound.ts";

const DOMAIN = "console.example";

test("of two replicas one orders, both answer for the domain, and when it is killed the other one does", {
  skip: lackingPebble || lackingUnbound || lackingPostgres,
}, async () => {
  await using opened = new AsyncDisposableStack();
  const { url } = opened.use(await createDatabase());
  const { path } = opened.use(scratch());
  const options = { url, keyFile: join(path, "porthole.key"), args: ["--dns-listen", "127.0.0.1:0"] };
  const one = opened.use(await startReplica(options));
  const two = opened.use(await startReplica(options));
  assert.ok(one.firstKeys !== undefined);
  const api = two.api(one.firstKeys);
  await api.call("PUT", "settings/consoleproxy.url.domain", { value: `*.${DOMAIN}` });
  // The first replica has led from the beginning; the other one is asked.
  const unbound = opened.use(await startUnbound(DOMAIN, hostPort(two.dns?.[0] ?? "")));
  const pebble = opened.use(await startPebble({ resolver: `127.0.0.1:${unbound.port}` }));
  const { directory, roots, orders } = opened.use(await startSuggesting(pebble));
  const ready = async (unlike?: string) =>
    await eventually(async () => {
      const acme = await api.call<Acme>("GET", "acme");
      assert.equal(acme.state, "ready", JSON.stringify(acme));
      assert.notEqual(acme.certificate, unlike);
      return acme.certificate;
    });

  await api.call("PATCH", "acme", { directory, roots, agreesToTerms: true });
  const first = await ready();
  const ordered = /A certificate is ordered/;
  assert.deepEqual(
    [one, two].map(({ process }) => ordered.test(process.stderr.text)),
    [true, false],
  );
  assert.equal(orders.length, 1);
  await one.process.stop("SIGKILL");
  await api.call("POST", "acme/renew");
  await ready(first);

  assert.equal(orders.length, 2);
});
