import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import type { Caller } from "../services.ts";
import { createClosings } from "./closing.ts";

/** Two members of one project, each with one console of the machine that is open and one link that is not used yet. */
interface World {
  readonly control: TestControl;
  readonly node: TestNode;
  readonly machineId: string;
  readonly member: Caller;
  readonly other: Caller;
}

/** Who may end what, and why the console's viewer is told that it is over. */
const REASONS: readonly [
  what: string,
  code: string,
  change: (world: World) => Promise<unknown>,
  whose: "member" | "both",
][] = [
  [
    "the account is disabled",
    "access_withdrawn",
    async ({ control, member }) =>
      await control.services.accounts.update(control.admin, member.accountId, { disabled: true }),
    "member",
  ],
  [
    "the account is removed",
    "access_withdrawn",
    async ({ control, member }) => await control.services.accounts.remove(control.admin, member.accountId),
    "member",
  ],
  [
    "the account leaves the project",
    "access_withdrawn",
    async ({ control, member }) =>
      await control.services.accounts.update(control.admin, member.accountId, { projects: ["another"] }),
    "member",
  ],
  [
    "the account leaves all projects",
    "access_withdrawn",
    async ({ control, member }) =>
      await control.services.accounts.update(control.admin, member.accountId, { projects: [] }),
    "member",
  ],
  [
    "the API key is removed",
    "access_withdrawn",
    async ({ control, member }) =>
      await control.services.accounts.removeApiKey(control.admin, member.accountId, member.apiKey ?? ""),
    "member",
  ],
  [
    "the machine is removed",
    "machine_gone",
    async ({ control, machineId }) => await control.services.machines.remove(control.admin, machineId),
    "both",
  ],
  [
    "the machine is stopped",
    "machine_not_running",
    async ({ control, machineId }) =>
      await control.services.machines.update(control.admin, machineId, { state: "stopped" }),
    "both",
  ],
];

for (const [what, code, change, whose] of REASONS) {
  test(`when ${what}, its consoles close with ${code}, and no others`, async () => {
    await using world = await createWorld();
    const { control, member, other } = world;
    const [own, others] = [await openBoth(world, member), await openBoth(world, other)];
    const bystander = await openBoth({ ...world, machineId: (await control.machine()).id }, other);

    await change(world);

    assert.deepEqual(await stateOf(control, own.active), ["closing", code]);
    assert.deepEqual(await stateOf(control, own.unused), ["ended", code]);
    const untouched = [undefined, undefined] as const;
    const [active, unused] = whose === "both" ? [code, code] : untouched;
    assert.deepEqual(await stateOf(control, others.active), [active ? "closing" : "active", active]);
    assert.deepEqual(await stateOf(control, others.unused), [unused ? "ended" : "pending", unused]);
    assert.deepEqual(await stateOf(control, bystander.active), ["active", undefined]);
  });
}

test("what changes nothing for a console closes none", async () => {
  await using world = await createWorld();
  const { control, member, machineId } = world;
  const { active } = await openBoth(world, member);
  const { accounts, machines } = control.services;

  await accounts.update(control.admin, member.accountId, { projects: ["another", "default"] });
  await accounts.update(control.admin, member.accountId, { disabled: false });
  await accounts.removeApiKey(
    control.admin,
    member.accountId,
    (await accounts.addApiKey(control.admin, member.accountId)).apiKey,
  );
  await machines.update(control.admin, machineId, { name: "renamed", state: "running" });

  assert.deepEqual(await stateOf(control, active), ["active", undefined]);
});

test("a change that fails closes nothing, and nobody is woken", async () => {
  await using world = await createWorld();
  const { control, member } = world;
  const { active } = await openBoth(world, member);
  const woken: string[] = [];
  control.link.cluster.subscribe("node", { heard: (nodeId) => woken.push(nodeId), missed() {} });

  const change = { disabled: true, projects: ["nothing of that name"] };
  await assert.rejects(control.services.accounts.update(control.admin, member.accountId, change));

  assert.deepEqual(await stateOf(control, active), ["active", undefined]);
  assert.deepEqual(woken, []);
});

test("a session that somebody ends says who, is closing until its node reports, and is over once", async () => {
  await using world = await createWorld();
  const { control, member, node } = world;
  const { active, unused } = await openBoth(world, member);
  const { sessions } = control.services;

  assert.equal((await sessions.end(control.admin, active)).state, "closing");
  assert.equal((await sessions.end(member, active)).state, "closing");
  assert.equal((await sessions.end(member, unused)).state, "ended");

  const { takeReports } = control.link;
  const closings = createClosings(control);
  assert.deepEqual(await closings.of(node.id, ""), {
    incarnation: node.incarnation,
    sessions: [{ sessionId: active, attachment: 1, code: "session_ended", detail: "by admin" }],
  });
  assert.equal(await closings.of(node.id, active), undefined);
  const report = { sessionId: active, attachment: 1, at: control.clock.now(), bytesFromViewer: 2 };
  const late = { ...report, state: "active", bytesToViewer: 1 } as const;
  // A node that did not know the session yet when it was told to end it hears it with its first word about it.
  const over = [{ sessionId: active, attachment: 1, code: "session_ended", detail: "by admin" }];
  const start = { nodeId: node.id, incarnation: node.incarnation };
  assert.deepEqual(await takeReports(start, [late, late]), { over });
  assert.equal((await sessions.get(member, active)).state, "closing", "a late report reopens nothing");
  const ending = { kind: "closed", code: "session_ended", detail: "by admin" } as const;
  await takeReports({ nodeId: node.id, incarnation: node.incarnation }, [
    { ...report, state: "ended", ending, bytesToViewer: 3 },
  ]);
  const ended = await sessions.end(control.admin, active);
  assert.deepEqual([ended.state, ended.ending, ended.bytesToViewer], ["ended", ending, 3]);
  assert.equal(await closings.of(node.id, ""), undefined);
});

test("what a node knows nothing of is over, unless it may only not have heard of it yet", async () => {
  await using world = await createWorld();
  const { control, member, node } = world;
  const { active } = await openBoth(world, member);
  await control.services.sessions.end(member, active);

  await createClosings(control).settle(node.id, [active]);
  assert.equal((await stateOf(control, active))[0], "closing");
  control.clock.advance(60_000);
  await createClosings(control).settle("another node", [active]);
  assert.equal((await stateOf(control, active))[0], "closing");
  await createClosings(control).settle(node.id, [active]);

  assert.deepEqual(await stateOf(control, active), ["ended", "session_ended"]);
});

async function createWorld(): Promise<World & AsyncDisposable> {
  const control = await testControl();
  const node = await control.node();
  await control.services.projects.add(control.admin, { name: "another" });
  const { id: machineId } = await control.machine();
  const member = await control.member("member", ["default"]);
  const other = await control.member("other", ["default"]);
  return {
    control,
    node,
    machineId,
    member,
    other,
    [Symbol.asyncDispose]: async () => await control[Symbol.asyncDispose](),
  };
}

async function openBoth(
  { control, node, machineId }: World,
  caller: Caller,
): Promise<{ readonly active: string; readonly unused: string }> {
  const { id: nodeId, incarnation } = node;
  const open = async () =>
    (await control.services.consoles.open(caller, { machineId, api: "native" })).sessionId;
  const [active, unused] = [await open(), await open()];
  const viewerAddress = "198.51.100.7";
  await control.link.redeem(nodeId, { incarnation, sessionId: active, attachment: 1, viewerAddress });
  const report = { sessionId: active, attachment: 1, at: 0, bytesToViewer: 0, bytesFromViewer: 0 };
  await control.link.takeReports({ nodeId, incarnation }, [{ ...report, state: "active" }]);
  return { active, unused };
}

async function stateOf(control: TestControl, id: string): Promise<[string, string | undefined]> {
  const { state, ending } = await control.services.sessions.get(control.admin, id);
  return [state, ending?.code];
}
