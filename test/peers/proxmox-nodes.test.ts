import assert from "node:assert/strict";
import { test } from "node:test";
import { followHypervisors } from "#control/hypervisors/follow-all.ts";
import { testControl } from "../harness/control.ts";
import { eventually } from "../harness/eventually.ts";
import { INTO_DEFAULT, machineOf, machines, stopping } from "./hypervisor-stage.ts";
import { addressOf, clusterMachine, startProxmoxStage } from "./proxmox-stage.ts";
import { lackingQemu as skip } from "./qemu.ts";

test("Proxmox VE: whoever begins to follow while a node is down takes in what the others have, and its machines stay as they are on record", {
  skip,
}, async () => {
  await using stage = await startProxmoxStage();
  const { api } = stage;
  const { cluster } = api;
  const db = cluster.machines.get(101) ?? assert.fail();
  db.status = "running";
  await using control = await testControl();
  const { services, admin } = control;
  const credentials = { username: api.tokenId, secret: api.secret, caCertificate: api.authority.pem };
  const { id } = await services.hypervisors.add(admin, {
    ...{ name: "pve", platform: "proxmox", address: api.address, rules: INTO_DEFAULT },
    credentials,
  });
  const dbIs = { name: "db", power: "running", hypervisorState: "up" } as const;
  const known = await (async () => {
    await using _ = stopping(followHypervisors(control));
    return await machineOf(control, addressOf(101, db), dbIs);
  })();
  cluster.down.add("pve2");
  const late = clusterMachine("late");
  cluster.machines.set(102, late);
  // What the driver has in mind goes with it.
  await services.hypervisors.update(admin, id, { credentials });

  await using _ = stopping(followHypervisors(control));
  await machineOf(control, addressOf(102, late), { name: "late", power: "running" });

  assert.deepEqual(await machineOf(control, addressOf(101, db), dbIs), known);
  const [hypervisor] = await services.hypervisors.list(admin);
  assert.equal(hypervisor?.state, "up");
  assert.deepEqual(await services.hypervisors.test(admin, id), { ok: true, machines: 2, silent: ["pve2"] });
  const open = services.consoles.open(admin, { machineId: known.id, api: "native" });
  await assert.rejects(open, { code: "upstream_timeout" });

  // It is told of once the node is back.
  cluster.machines.delete(101);
  cluster.down.clear();
  await services.hypervisors.update(admin, id, { credentials });
  await eventually(async () =>
    assert.deepEqual((await machines(control)).map(({ name }) => name).sort(), ["late", "web"]),
  );
});
