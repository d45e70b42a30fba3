import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { lackingCloudStackClients, runCs } from "./cloudstack-clients.ts";

interface SystemVm {
  readonly id: string;
  readonly state: string;
  readonly agentstate: string;
}

/** In the order of a node's life: each test goes on from the one before. */
describe("Debian's cs tends console nodes", { skip: lackingCloudStackClients }, () => {
  let control: Control;
  let node: Node;
  before(async () => {
    control = await startControl();
    node = await startNode(control);
  });
  after(async () => {
    await node[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
  });

  const ask = async <Answer>(...args: string[]): Promise<Answer> => {
    const { status, stderr, json } = await runCs(control, args, { CLOUDSTACK_POLL_INTERVAL: "0.2" });
    assert.equal(status, 0, stderr);
    return json as Answer;
  };
  const listed = async () =>
    (await ask<{ readonly systemvm?: readonly SystemVm[] }>("listSystemVms")).systemvm;
  const starts = async () => {
    const query = `audit?action=node.register&object=${node.id}`;
    return (await control.api.call<{ readonly items: readonly object[] }>("GET", query)).items.length;
  };

  test("lists them", async () => {
    const [vm, ...others] = (await listed()) ?? [];

    assert.deepEqual([vm?.id, vm?.state, vm?.agentstate], [node.id, "Running", "Up"]);
    assert.equal(others.length, 0);
  });

  test("reboots one, and waits by itself until the job is done", async () => {
    assert.equal(await starts(), 1);

    const { systemvm } = await ask<{ readonly systemvm: SystemVm }>("rebootSystemVm", `id=${node.id}`);

    assert.deepEqual([systemvm.id, systemvm.state], [node.id, "Running"]);
    assert.equal(await starts(), 2);
  });

  test("stops one and starts it again", async () => {
    const { systemvm: stopped } = await ask<{ readonly systemvm: SystemVm }>("stopSystemVm", `id=${node.id}`);
    assert.equal(stopped.state, "Stopped");

    const { systemvm: started } = await ask<{ readonly systemvm: SystemVm }>(
      "startSystemVm",
      `id=${node.id}`,
    );
    assert.equal(started.state, "Running");
  });

  test("destroys one, and asks for the job by its number", async () => {
    const { jobid } = await ask<{ readonly jobid: string }>("--async", "destroySystemVm", `id=${node.id}`);

    await eventually(async () => {
      const job = await ask<{ readonly jobstatus: number; readonly jobinstanceid: string }>(
        "queryAsyncJobResult",
        `jobid=${jobid}`,
      );
      assert.deepEqual([job.jobstatus, job.jobinstanceid], [1, node.id]);
    });
    assert.equal(await listed(), undefined);
    assert.equal(await node.process.exited, 0);
  });

  test("is told of a node that there is not", async () => {
    const { status, stderr, json } = await runCs(control, ["rebootSystemVm", "id=nothing"]);

    assert.notEqual(status, 0);
    assert.match(`${stderr}${JSON.stringify(json)}`, /entity does not exist/);
  });
});
