import assert from "node:assert/strict";
import { test } from "node:test";
import type { Log } from "#base/process/log.ts";
import { testControl } from "../../../test/harness/control.ts";
import { testCertificate } from "../../../test/harness/test-certificates.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createEndingWatch } from "./ending-watch.ts";
import { type CertificateInUse, createCertificatesInUse } from "./in-use.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** What was said, in the order in which it was. */
function listener() {
  const said: { readonly level: "warn" | "error"; readonly kind: string; readonly daysLeft: number }[] = [];
  const at = (level: "warn" | "error") => (fields: { kind: string; daysLeft: number }) =>
    said.push({ level, kind: fields.kind, daysLeft: fields.daysLeft });
  const log = { warn: at("warn"), error: at("error") } as unknown as Log;
  return { said, log };
}

for (const t of onBoth(
  "a certificate that ends is told of once at each threshold, once TLS is on, and no more when it is replaced",
  async () => {
    await using control = await testControl();
    const { said, log } = listener();
    const inUse = createCertificatesInUse(control.store, control.installation.authority.certificate);
    const watch = createEndingWatch({ ...control, inUse, log });
    const now = control.clock.now();
    const upload = async (days: number) => {
      const { pem, keyPem } = await testCertificate({
        names: ["console.example.com"],
        notAfter: now + days * DAY_MS,
      });
      await control.services.certificates.upload(control.admin, { certificate: pem, privateKey: keyPem });
    };
    await upload(20);
    await watch();
    assert.deepEqual(said, [], "nobody is shown it");

    await control.services.settings.set(control.admin, "consoleproxy.sslEnabled", "true");
    await watch();
    await watch();
    control.clock.advance(7 * DAY_MS);
    await watch();
    control.clock.advance(DAY_MS);
    await watch();
    control.clock.advance(12 * DAY_MS);
    await watch();
    await watch();

    assert.deepEqual(
      said.map(({ level, daysLeft }) => [level, daysLeft]),
      [
        ["warn", 20],
        ["warn", 13],
        ["error", 0],
      ],
    );
    await upload(90);
    await watch();
    assert.equal(said.length, 3);
  },
))
  test(...t);

for (const t of onBoth("what is in use is what was uploaded, what nodes serve, and the CA", async () => {
  await using control = await testControl();
  const secure = { pageOrigin: "https://203.0.113.7", webSocketOrigin: "https://203.0.113.7" };
  const [serving, plain] = [await control.node({ secure }), await control.node({ secure })];
  const notAfter = control.clock.now() + DAY_MS;
  const serves = { certificate_not_after: notAfter, certificate_id: "f", certificate_names: "203.0.113.7" };
  const nodes = control.store.db.updateTable("nodes");
  await nodes
    .set({ ...serves, certificate_incarnation: serving.incarnation })
    .where("id", "=", serving.id)
    .execute();
  // What an earlier start served, this one does not.
  await nodes
    .set({ ...serves, certificate_incarnation: "earlier" })
    .where("id", "=", plain.id)
    .execute();
  const { pem, keyPem } = await testCertificate({ names: ["a.example.com"] });
  await control.services.certificates.upload(control.admin, {
    certificate: pem,
    privateKey: keyPem,
    pool: "north",
  });

  const read = createCertificatesInUse(control.store, control.installation.authority.certificate);
  const inUse = await read();

  assert.deepEqual(
    inUse.map(({ kind, pool, nodeId, toldFromDays }) => [kind, pool, nodeId, toldFromDays]),
    [
      ["authority", "*", undefined, 30],
      ["uploaded", "north", undefined, 30],
      ["served", "default", serving.id, 14],
    ],
  );
  assert.equal(inUse[2]?.notAfter, notAfter);
  await control.services.acme.configure(control.admin, { replacesUpload: true });
  await control.store.db.updateTable("certificates").set({ source: "acme" }).execute();
  const { chainId = "" } = (await control.services.certificates.list(control.admin))[0] ?? {};
  await control.store.db
    .updateTable("nodes")
    .set({ certificate_names: `chain ${chainId}` })
    .execute();
  assert.deepEqual(
    (await read()).map(({ kind, toldFromDays }) => [kind, toldFromDays]),
    [
      ["authority", 30],
      ["acme", 1],
    ],
    "what was issued speaks for the nodes that serve it",
  );
  await control.services.acme.disable(control.admin);
  assert.deepEqual(
    (await read()).map(({ kind, toldFromDays }) => [kind, toldFromDays]),
    [
      ["authority", 30],
      ["uploaded", 30],
    ],
    "nobody renews it any more",
  );
}))
  test(...t);

test("what renews itself is told of only when that has not come about", async () => {
  const { said, log } = listener();
  const now = Date.now();
  let left = 29;
  const own = (): CertificateInUse => ({
    kind: "served",
    pool: "default",
    nodeId: "n",
    names: [],
    toldFromDays: 14,
    notAfter: now + 90 * DAY_MS,
  });
  const values = { value: () => true } as never;
  const watch = createEndingWatch({
    inUse: async () => [own()],
    values,
    clock: { now: () => now + (90 - left) * DAY_MS },
    log,
  });

  await watch();
  assert.deepEqual(said, []);
  left = 14;
  await watch();

  assert.deepEqual(said, [{ level: "warn", kind: "served", daysLeft: 14 }]);
});
