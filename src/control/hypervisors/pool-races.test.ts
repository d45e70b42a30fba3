import assert from "node:assert/strict";
import { test } from "node:test";
import { blocked } from "../../../test/harness/blocked.ts";
import { testReplicas } from "../../../test/harness/control.ts";
import { hypervisor, known, machines } from "../../../test/harness/inventory-stage.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { begin } from "../../../test/harness/transaction.ts";

test("a machine that moves to a hypervisor at the moment in which its pool changes has the new one", {
  skip: lackingPostgres,
}, async () => {
  await using world = await testReplicas(1);
  const [control] = world.replicas;
  assert.ok(control !== undefined);
  const { services, admin, inventory } = control;
  await services.projects.add(admin, { name: "shop" });
  const rules = [{ name: "*", project: "shop" }];
  const here = await hypervisor(control, { rules, pool: "north" });
  const there = await hypervisor(control, { rules, name: "host8", pool: "south" });
  const [web, mail] = [known("web"), known("mail")];
  await inventory.takeAll(here, [web, mail]);
  await inventory.take(there, { known: [web], gone: [] });
  const mailId = (await machines(control)).find(({ name }) => name === "mail")?.id;

  // The move waits behind the one of "web" for as long as somebody else has the other machine's row.
  await using other = await begin(world.url);
  await other.say(`select id from machines where id = '${mailId}' for update`);
  const moving = inventory.take(here, { known: [], gone: [web.address, mail.address] });
  await blocked(world.url, 1);
  const changing = services.hypervisors.update(admin, there, { pool: "west" });
  await Promise.race([changing, blocked(world.url, 2)]);
  await other.say("commit");
  await Promise.all([moving, changing]);

  assert.deepEqual(
    (await machines(control)).map(({ name, pool }) => [name, pool]),
    [["web", "west"]],
  );
});
