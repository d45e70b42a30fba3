import assert from "node:assert/strict";
import { test } from "node:test";
import { startBetween } from "../harness/between.ts";
import { eventually } from "../harness/eventually.ts";
import { startFleet } from "../harness/test-fleet.ts";
import { ACCOUNTS, startXapi, type XapiPool } from "../harness/xapi/pool.ts";
import { endingOf, INTO_DEFAULT, machineOf, open, picture } from "./hypervisor-stage.ts";
import { lackingQemu as skip, startQemu } from "./qemu.ts";
import { pinOf } from "./xapi-stage.ts";

const { signal } = new AbortController();

for (const [way, query, isPinned] of [
  ["by CONNECT", "", false],
  ["by WebSocket", "?consoles=websocket", false],
  ["by CONNECT to a host that is known by its pin", "", true],
] as const)
  test(`a console is opened ${way}, with a session of its own that is given back when it ends, and told to nobody`, {
    skip,
  }, async () => {
    await using stage = await openStage({ query, isPinned });
    const { fleet, node, pool, machine } = stage;
    const { sessionId, ticket } = await open(fleet, machine);
    const viewer = await picture(node, ticket);
    const [own, ...more] = pool.sessions("porthole-console");

    assert.ok(own !== undefined && more.length === 0);
    assert.deepEqual(await fleet.control.leases.settle(), { released: 0, dropped: 0 });
    await viewer[Symbol.asyncDispose]();
    await endingOf(fleet.control, sessionId);
    assert.deepEqual(await fleet.control.leases.settle(), { released: 1, dropped: 0 });

    assert.deepEqual(pool.sessions("porthole-console"), []);
    const told =
      node.log() + JSON.stringify(await fleet.control.services.audit.list(fleet.control.admin, {}));
    for (const secret of [own.ref, "session_id", ACCOUNTS.console.password])
      assert.ok(!told.includes(secret));
  });

test("the session of a console whose node dies, and is never heard of again, is given back", {
  skip,
}, async () => {
  await using stage = await openStage();
  const { fleet, node, pool, machine } = stage;
  const { sessionId, ticket } = await open(fleet, machine);
  await using _ = await picture(node, ticket);
  const { services, admin, leases } = fleet.control;

  await services.nodes.revoke(admin, node.id);

  await endingOf(fleet.control, sessionId);
  await eventually(async () => {
    await leases.settle();
    assert.deepEqual(pool.sessions("porthole-console"), []);
  });
});

test("a host that shows another certificate than the one by which it is known is told nothing", {
  skip,
}, async () => {
  await using stage = await openStage({ isPinned: true });
  const { fleet, node, pool, machine, ref, uuid } = stage;
  const { sessionId, ticket } = await open(fleet, machine);
  const [other] = pool.objects.all("Certificate").find(([, { host }]) => host === pool.hosts[1]?.ref) ?? [];
  pool.objects.set(other ?? assert.fail(), { fingerprint_sha256: "AB".repeat(32) });
  pool.move({ ref, uuid }, 1);

  await assert.rejects(picture(node, ticket));

  assert.equal(await endingOf(fleet.control, sessionId), "upstream_certificate_changed");
  await fleet.control.leases.settle();
  assert.deepEqual(pool.sessions("porthole-console"), []);
});

const TROUBLE: Readonly<
  Record<string, { readonly code: string; readonly detail: RegExp; spoil(stage: Stage): void }>
> = {
  "a VNC server that is gone": {
    code: "upstream_closed",
    detail: /the machine's VNC server is gone/,
    spoil: (stage) => stage.loseVnc(),
  },
  "a console that somebody has open elsewhere, where one is the limit": {
    code: "upstream_consoles_exhausted",
    detail: /^$/,
    spoil({ pool, ref }) {
      for (const [each] of pool.objects.all("pool")) pool.objects.set(each, { limit_console_sessions: true });
      pool.open.set(ref, 1);
    },
  },
  "a machine that moves to another host just then": {
    code: "upstream_refused",
    detail: /stopped, or moved to another host, just now/,
    spoil({ pool, ref, uuid }) {
      atLogin(pool, () => {
        pool.move({ ref, uuid }, 1);
        return undefined;
      });
    },
  },
  "a session that XAPI knows no more": {
    code: "upstream_refused",
    detail: /does not take the session/,
    spoil: ({ pool }) => atLogin(pool, () => '{"jsonrpc":"2.0","id":0,"result":"OpaqueRef:0"}'),
  },
};

for (const [title, { code, detail, spoil }] of Object.entries(TROUBLE))
  test(`${title} is told as what it is, and no session is left behind`, { skip }, async () => {
    await using stage = await openStage();
    const { fleet, node, pool, machine } = stage;
    const { sessionId, ticket } = await open(fleet, machine);
    spoil(stage);

    await assert.rejects(picture(node, ticket));

    assert.equal(await endingOf(fleet.control, sessionId), code);
    const { ending } = await fleet.control.services.sessions.get(fleet.control.admin, sessionId);
    assert.match(ending?.detail ?? "", detail);
    await fleet.control.leases.settle();
    assert.deepEqual(pool.sessions("porthole-console"), []);
  });

test("an account that may not open consoles is told so", { skip }, async () => {
  await using stage = await openStage({ account: "watcher" });
  const { sessionId, ticket } = await open(stage.fleet, stage.machine);

  await assert.rejects(picture(stage.node, ticket));

  assert.equal(await endingOf(stage.fleet.control, sessionId), "upstream_refused");
  const { control } = stage.fleet;
  const { ending } = await control.services.sessions.get(control.admin, sessionId);
  assert.match(ending?.detail ?? "", /the account by which it is asked may not open this console/);
});

test("a VNC server that speaks RFB 3.3 alone is spoken to so behind XAPI, as vncterm is", {
  skip,
}, async () => {
  await using stage = await openStage({ version: "RFB 003.003\n" });

  await using viewer = await picture(stage.node, (await open(stage.fleet, stage.machine)).ticket);

  assert.equal(viewer.closed, undefined);
  assert.equal(stage.changed(), 1);
});

/** A pool of two hosts with one machine, which is a real QEMU, and a fleet that knows it. */
async function openStage({
  query = "",
  account = "console",
  version,
  isPinned = false,
}: {
  /** By the certificate of the first host, and by no authority. */
  readonly isPinned?: boolean;
  readonly query?: string;
  /** What QEMU is made to say of itself. */
  readonly version?: string;
  readonly account?: keyof typeof ACCOUNTS;
} = {}) {
  await using opened = new AsyncDisposableStack();
  const qemu = opened.use(await startQemu({ vnc: {} }));
  const between = opened.use(
    await startBetween({ host: qemu.host, port: qemu.ports.vnc }, (chunk) =>
      version !== undefined && `${chunk}` === "RFB 003.008\n" ? Buffer.from(version) : chunk,
    ),
  );
  let hasVnc = true;
  const pool = opened.use(
    await startXapi({
      hosts: ["127.0.0.1", "127.0.0.2"],
      vncOf: () => (hasVnc ? between.address : undefined),
    }),
  );
  const { ref, uuid } = pool.add({ name: "web" });
  const fleet = opened.use(await startFleet());
  const node = await fleet.start();
  const { control } = fleet;
  const { id } = await control.services.hypervisors.add(control.admin, {
    ...{ name: "pool7", platform: "xenserver", address: pool.address + query, rules: INTO_DEFAULT },
    credentials: {
      ...{ username: account, secret: ACCOUNTS[account].password },
      ...(isPinned ? { pin: await pinOf(pool, 0) } : { caCertificate: pool.authority.pem }),
    },
  });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));
  const machine = await machineOf(control, uuid, {});
  const owned = opened.move();
  return {
    ...{ fleet, node, pool, machine, ref, uuid },
    changed: () => between.changed,
    loseVnc() {
      hasVnc = false;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

type Stage = Awaited<ReturnType<typeof openStage>>;

/** When the session of the next console is asked for, which is the last thing before its place is told to a node. */
function atLogin(pool: XapiPool, answer: () => string | undefined): void {
  pool.answer = (method) => (method === "session.login_with_password" ? answer() : undefined);
}
