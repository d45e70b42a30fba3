import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type TestApi, testApi } from "../../../../../test/harness/api.ts";
import { cloudStackCall } from "../../../../../test/harness/cloudstack-call.ts";
import type { TestNode } from "../../../../../test/harness/control.ts";

interface Row {
  readonly id?: string;
  readonly state?: string;
  readonly lastpinged?: string;
  readonly jobstatus?: number;
  readonly jobresultcode?: number;
  readonly jobinstanceid?: string;
  readonly errortext?: string;
  readonly jobresult?: { readonly systemvm?: Row; readonly errortext?: string };
}

async function ask(api: TestApi, command: string, parameters: Readonly<Record<string, string>> = {}) {
  const { status, content } = await cloudStackCall(api, { command, ...parameters });
  return {
    status,
    ...(content as { systemvm?: readonly Row[]; count?: number; jobid?: string; errortext?: string }),
  };
}

async function job(api: TestApi, jobid = ""): Promise<Row> {
  return (await cloudStackCall(api, { command: "queryAsyncJobResult", jobid })).content as Row;
}

async function comeBack(api: TestApi, { id }: TestNode): Promise<void> {
  const origin = "http://node.example.com:8080";
  await api.control.link.registry.register(id, {
    incarnation: randomUUID(),
    version: "1.2.4",
    pageOrigin: origin,
    webSocketOrigin: origin,
    sharesAddress: true,
  });
}

test("console nodes are listed as CloudStack lists console proxies, and found by what it finds them by", async () => {
  await using api = await testApi();
  const node = await api.control.node();
  await api.control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 3 });
  const name = `v-${node.id.slice(0, 8)}-VM`;

  const { count, systemvm = [] } = await ask(api, "listSystemVms");

  assert.equal(count, 1);
  const { lastpinged, ...rest } = systemvm[0] ?? {};
  assert.match(lastpinged ?? "", /^\d{4}-.*\+0000$/);
  assert.deepEqual(rest, {
    id: node.id,
    systemvmtype: "consoleproxy",
    name,
    hypervisor: "External",
    publicip: "node.example.com",
    state: "Running",
    agentstate: "Up",
    activeviewersessions: 3,
    version: "1.2.3",
    isdynamicallyscalable: false,
  });
  const finds = async (parameters: Readonly<Record<string, string>>) =>
    (await ask(api, "listSystemVms", parameters)).count ?? 0;
  for (const good of [
    { id: node.id },
    { name },
    { state: "running" },
    { systemvmtype: "consoleproxy" },
    { keyword: "v-" },
  ])
    assert.equal(await finds(good), 1, JSON.stringify(good));
  for (const bad of [
    { id: "x" },
    { name: "v" },
    { state: "Stopped" },
    { systemvmtype: "secondarystoragevm" },
  ])
    assert.equal(await finds(bad as Record<string, string>), 0, JSON.stringify(bad));
});

test("a reboot is a job that is done when the node has come back as a new start", async () => {
  await using api = await testApi();
  const node = await api.control.node();

  const { jobid } = await ask(api, "rebootSystemVm", { id: node.id });
  const running = await job(api, jobid);
  assert.deepEqual([running.jobstatus, running.jobresultcode, running.jobinstanceid], [0, 0, node.id]);
  assert.equal((await ask(api, "listSystemVms")).systemvm?.[0]?.state, "Stopping");
  await api.control.link.registry.deregister(node.id, { incarnation: node.incarnation });
  assert.equal((await ask(api, "listSystemVms")).systemvm?.[0]?.state, "Starting");
  assert.equal((await job(api, jobid)).jobstatus, 0);
  await comeBack(api, node);

  const done = await job(api, jobid);
  assert.equal(done.jobstatus, 1);
  assert.equal(done.jobresult?.systemvm?.state, "Running");
});

test("a node is stopped, started and destroyed by jobs, and a job that something else came before has failed", async () => {
  await using api = await testApi();
  const node = await api.control.node();

  const stop = await ask(api, "stopSystemVm", { id: node.id, forced: "true" });
  assert.equal((await job(api, stop.jobid)).jobstatus, 1);
  assert.equal((await ask(api, "listSystemVms")).systemvm?.[0]?.state, "Stopped");
  const start = await ask(api, "startSystemVm", { id: node.id });
  assert.equal((await job(api, start.jobid)).jobstatus, 1);
  const failed = await job(api, stop.jobid);
  assert.deepEqual([failed.jobstatus, failed.jobresultcode], [2, 530]);
  assert.match(failed.jobresult?.errortext ?? "", /meanwhile/);

  const destroy = await ask(api, "destroySystemVm", { id: node.id });
  assert.equal((await job(api, destroy.jobid)).jobstatus, 0);
  await api.control.link.registry.deregister(node.id, { incarnation: node.incarnation });
  await api.control.sweepDraining();
  assert.equal((await job(api, destroy.jobid)).jobstatus, 1);
  assert.equal((await ask(api, "listSystemVms")).count, undefined);
});

test("what cannot be is refused in CloudStack's words, and members neither see nor change nodes", async () => {
  await using api = await testApi();
  const node = await api.control.node();

  assert.match((await ask(api, "rebootSystemVm")).errortext ?? "", /missing parameter id/);
  assert.match((await ask(api, "rebootSystemVm", { id: "x" })).errortext ?? "", /entity does not exist/);
  const nothing = await cloudStackCall(api, { command: "queryAsyncJobResult", jobid: "x" });
  assert.equal(nothing.status, 431);
  await api.control.link.registry.deregister(node.id, { incarnation: node.incarnation });
  const down = await ask(api, "rebootSystemVm", { id: node.id });
  assert.deepEqual([down.status, /not up/.test(down.errortext ?? "")], [431, true]);
});
