import assert from "node:assert/strict";
import { test } from "node:test";
import { testControl } from "../../../test/harness/control.ts";
import { hypervisor, known } from "../../../test/harness/inventory-stage.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

for (const t of onBoth(
  "machines that wait are looked for by a part of their name, page by page",
  async () => {
    await using control = await testControl();
    const { machines } = control.services;
    const id = await hypervisor(control);
    await control.inventory.takeAll(
      id,
      ["Web-2", "db-1", "web-1", "old web"].map((name) => known(name)),
    );

    const first = await machines.waiting(control.admin, { keyword: "WEB", limit: 2 });
    const last = await machines.waiting(control.admin, { keyword: "WEB", limit: 2, after: first.next });

    const names = [...first.items, ...last.items].map(({ name }) => name);
    assert.deepEqual([names, last.next], [["old web", "web-1", "Web-2"], undefined]);
    assert.equal((await machines.waiting(control.admin, { keyword: "" })).items.length, 4);
  },
))
  test(...t);
