import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { findHypervisor } from "./hypervisor-row.ts";
import { failureOf, markFirstDown, markUp, problemOf } from "./standing.ts";

test("a hypervisor that did not answer whoever asked in time is told so, in words of ours", async () => {
  const signal = AbortSignal.timeout(0);
  if (!signal.aborted) await once(signal, "abort");

  for (const error of [signal.reason, new GatewayError("upstream_unreachable", { cause: signal.reason })])
    assert.deepEqual(failureOf(error), { step: "answer", said: "no answer in time" });
});

test("a step that is known is told with what was said there, and a refusal is one of rights", () => {
  const tls = new HypervisorError("tls", "it ends the connection");
  const refused = new GatewayError("upstream_refused", { cause: new Error("not for you") });

  assert.equal(problemOf(tls), "tls: it ends the connection");
  assert.equal(problemOf(new GatewayError("upstream_unreachable", { cause: tls })), problemOf(tls));
  assert.deepEqual(failureOf(refused), { step: "rights", said: "not for you" });
});

for (const t of onBoth(
  "what a first try came to is written down once, and of the way that was tried alone",
  async () => {
    await using control = await testControl();
    const { services, store, admin } = control;
    const address = "qemu:///system?socket=/nowhere/a";
    const { id } = await services.hypervisors.add(admin, { name: "host7", platform: "libvirt", address });
    const tried = await findHypervisor(store.db, id);
    assert.ok(tried !== undefined);
    const known = async () => {
      const [hypervisor] = await services.hypervisors.list(admin);
      return [hypervisor?.state, hypervisor?.problem];
    };
    await services.hypervisors.update(admin, id, { address: "qemu:///system?socket=/nowhere/b" });

    await markFirstDown(store, tried, "socket: of the way that was");
    assert.deepEqual(await known(), [undefined, undefined]);
    const now = { ...tried, address: "qemu:///system?socket=/nowhere/b" };
    await markFirstDown(store, now, "socket: first");
    await markFirstDown(store, now, "socket: second");
    assert.deepEqual(await known(), ["down", "socket: first"]);
    await markUp(store, id);
    await markFirstDown(store, now, "socket: third");

    assert.deepEqual(await known(), ["up", undefined]);
  },
))
  test(...t);
