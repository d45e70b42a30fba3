import assert from "node:assert/strict";
import { test } from "node:test";
import { testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const ALONE = { pageOrigin: "http://192.0.2.7", sharesAddress: false } as const;
const SHARING = { ...ALONE, sharesAddress: true } as const;

for (const t of onBoth(
  "of two nodes that claim the same address and port the second is refused",
  async () => {
    await using control = await testControl();
    const first = await control.node(ALONE);

    await assert.rejects(control.node(ALONE), {
      code: "address_taken",
      detail: `http://192.0.2.7 is that of node ${first.id}`,
    });
    await assert.rejects(
      control.node(SHARING),
      { code: "address_taken" },
      "the first one did not say that it shares",
    );
  },
))
  test(...t);

for (const t of onBoth("another port is another address", async () => {
  await using control = await testControl();
  await control.node(ALONE);

  await control.node({ ...ALONE, pageOrigin: "http://192.0.2.7:8080" });
}))
  test(...t);

for (const t of onBoth("an address is free again when its node left, or is down", async () => {
  await using control = await testControl();
  const first = await control.node(ALONE);
  await control.link.registry.deregister(first.id, { incarnation: first.incarnation });

  await control.node(ALONE);
  control.clock.advance(15_000);

  await control.node(ALONE);
}))
  test(...t);

for (const t of onBoth("a node may register again where it is", async () => {
  await using control = await testControl();
  const { id, incarnation } = await control.node(ALONE);

  await control.link.registry.register(id, {
    incarnation,
    version: "1.2.3",
    pageOrigin: ALONE.pageOrigin,
    webSocketOrigin: ALONE.pageOrigin,
  });
}))
  test(...t);

for (const t of onBoth("nodes that all say that they share an address may have one", async () => {
  await using control = await testControl();
  await control.node(SHARING);

  await control.node(SHARING);
  await assert.rejects(control.node(ALONE), { code: "address_taken" });
}))
  test(...t);

for (const t of onBoth(
  "under one plain domain all nodes are in one place, under a wildcard each is in its own",
  async () => {
    await using control = await testControl();
    const { settings } = control.services;
    await control.node(ALONE);

    await settings.set(control.admin, "consoleproxy.url.domain", "*.example.com");
    await assert.rejects(control.node(ALONE), { code: "address_taken" });
    await settings.set(control.admin, "consoleproxy.url.domain", "console.example.com");
    await control.node(ALONE);
  },
))
  test(...t);

for (const t of onBoth("of many nodes that claim one address at once one gets it", async () => {
  await using control = await testControl();

  const claims = await Promise.allSettled(Array.from({ length: 8 }, async () => await control.node(ALONE)));

  const refused = claims.filter((claim) => claim.status === "rejected");
  assert.equal(refused.length, 7);
  for (const { reason } of refused) assert.equal(reason.code, "address_taken");
}))
  test(...t);
