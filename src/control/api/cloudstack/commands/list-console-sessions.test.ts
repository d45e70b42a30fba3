import assert from "node:assert/strict";
import { test } from "node:test";
import type { Keys, TestApi } from "../../../../../test/harness/api.ts";
import { testApi } from "../../../../../test/harness/api.ts";
import { cloudStackCall } from "../../../../../test/harness/cloudstack-call.ts";
import { DOMAIN } from "../domain.ts";

type Row = Readonly<Record<string, unknown>>;

async function list(api: TestApi, parameters: Readonly<Record<string, string>> = {}, keys?: Keys) {
  const { content } = await cloudStackCall(api, { command: "listConsoleSessions", ...parameters }, keys);
  const { count, consolesession = [] } = content as { count?: number; consolesession?: readonly Row[] };
  return { content, count, sessions: consolesession };
}

function ids({ sessions }: { readonly sessions: readonly Row[] }): unknown[] {
  return sessions.map(({ id }) => id);
}

/** One session that nobody used, one that is open, and one that is over; the newest last. */
async function world(api: TestApi) {
  const { control } = api;
  const { admin, services, link } = control;
  const node = await control.node();
  const machine = await control.machine({ name: "db-1" });
  const open = async (caller = admin) => {
    control.clock.advance(1000);
    const { sessionId } = await services.consoles.open(caller, { machineId: machine.id, api: "cloudstack" });
    return sessionId;
  };
  const use = async (sessionId: string) => {
    const { id, incarnation } = node;
    await link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "198.51.100.7" });
  };
  const unused = await open();
  const active = await open();
  await use(active);
  const over = await open();
  await use(over);
  await link.takeReports({ nodeId: node.id, incarnation: node.incarnation }, [
    {
      ...{ sessionId: over, attachment: 1, at: control.clock.now(), bytesToViewer: 1, bytesFromViewer: 1 },
      ...{ state: "ended", ending: { kind: "closed", code: "viewer_closed" } },
    },
  ]);
  return { machine, unused, active, over, open, use };
}

test("an open console is listed in CloudStack's fields, with times as CloudStack writes them", async () => {
  await using api = await testApi();
  const { machine, active } = await world(api);
  const { accountId } = api.control.admin;

  const { content } = await list(api);

  const session = await api.control.services.sessions.get(api.control.admin, active);
  assert.deepEqual(content, {
    count: 1,
    consolesession: [
      {
        id: active,
        created: session.createdAt.replace(/\.\d+Z$/, "+0000"),
        domain: "ROOT",
        domainpath: "ROOT",
        domainid: DOMAIN.id,
        account: "admin",
        accountid: accountId,
        user: "admin",
        userid: accountId,
        virtualmachineid: machine.id,
        virtualmachinename: "db-1",
        acquired: session.redeemedAt?.replace(/\.\d+Z$/, "+0000"),
        consoleendpointcreatoraddress: "192.0.2.1",
        clientaddress: "198.51.100.7",
      },
    ],
  });
});

test("sessions are found by whatever CloudStack's clients narrow them by, the newest first", async () => {
  await using api = await testApi();
  const { machine, unused, active, over } = await world(api);
  const all = { activeonly: "false" };
  const { accountId } = api.control.admin;
  const createdOf = async (id: string) =>
    (await api.control.services.sessions.get(api.control.admin, id)).createdAt;
  const createdAt = await createdOf(over);
  // Midnight may be between them.
  const [first, last] = [(await createdOf(unused)).slice(0, 10), createdAt.slice(0, 10)];

  const cases: [parameters: Record<string, string>, found: string[]][] = [
    [{}, [active]],
    [{ activeonly: "true", acquired: "true" }, [active]],
    [all, [over, active, unused]],
    [{ ...all, acquired: "true" }, [over, active]],
    [{ ...all, id: unused }, [unused]],
    [{ ...all, virtualmachineid: machine.id }, [over, active, unused]],
    [{ ...all, virtualmachineid: "nothing" }, []],
    [{ ...all, accountid: accountId, userid: accountId }, [over, active, unused]],
    [{ ...all, userid: "nobody" }, []],
    [{ ...all, accountid: accountId, userid: "nobody" }, []],
    [{ ...all, clientaddress: "::ffff:198.51.100.7" }, [over, active]],
    [{ ...all, consoleendpointcreatoraddress: "192.0.2.1" }, [over, active, unused]],
    [{ ...all, domainid: DOMAIN.id, isrecursive: "true" }, [over, active, unused]],
    [{ ...all, startdate: first, enddate: last }, [over, active, unused]],
    [{ ...all, startdate: createdAt.replace(/\.\d+Z$/, "+0000") }, [over]],
    [{ ...all, enddate: "2001-02-03 04:05:06" }, []],
    [{ ...all, page: "2", pagesize: "1" }, [active]],
  ];
  for (const [parameters, found] of cases)
    assert.deepEqual(ids(await list(api, parameters)), found, JSON.stringify(parameters));
  assert.deepEqual((await list(api, { ...all, page: "9", pagesize: "2" })).content, { count: 3 });
  assert.deepEqual((await list(api, { ...all, id: "nothing" })).content, {});
});

test("a foreign domain, a host, and a date that is none, are parameter errors", async () => {
  await using api = await testApi();

  const cases: [parameters: Record<string, string>, text: RegExp][] = [
    [{ domainid: "elsewhere" }, /Invalid parameter domainid value=elsewhere due to/],
    [{ hostid: "h1" }, /Invalid parameter hostid value=h1 due to/],
    [{ startdate: "yesterday" }, /Unable to parse date yesterday/],
    [{ page: "1" }, /"pagesize" parameter is required/],
  ];
  for (const [parameters, text] of cases) {
    const { content } = await list(api, parameters);

    assert.equal(content["errorcode"], 431, JSON.stringify(parameters));
    assert.match(String(content["errortext"]), text);
  }
});

/** A user, and the session that it opened on a machine of its own. */
async function user(api: TestApi) {
  const { services, admin, machine } = api.control;
  const project = await services.projects.add(admin, { name: "mine" });
  const { id: machineId } = await machine({ project: project.id });
  const keys = await api.member("someone", [project.id]);
  const found = await services.accounts.byApiKey(keys.apiKey, "192.0.2.9");
  assert.ok(found !== undefined);
  const { caller } = found;
  const { sessionId } = await services.consoles.open(caller, { machineId, api: "cloudstack" });
  return { keys, caller, sessionId };
}

// ListConsoleSessionsCmdTest resolves whose sessions are meant to the same end.
test("ConsoleAccessManagerImplTest.listConsoleSessionsInternalTestNormalUsers…: a user finds its own sessions, whatever account it asks for", async () => {
  await using api = await testApi();
  const { control } = api;
  const { active, open } = await world(api);
  const { keys, caller, sessionId } = await user(api);
  await open();

  assert.deepEqual(ids(await list(api, { activeonly: "false" }, keys)), [sessionId]);
  assert.deepEqual(ids(await list(api, { activeonly: "false", accountid: caller.accountId }, keys)), [
    sessionId,
  ]);
  for (const parameters of [{ accountid: control.admin.accountId }, { id: active }])
    assert.deepEqual(ids(await list(api, { activeonly: "false", ...parameters }, keys)), []);
});

test("ConsoleAccessManagerImplTest.listConsoleSessionsInternalTestAdmins…: an administrator finds the sessions of any account", async () => {
  await using api = await testApi();
  await world(api);
  const { caller, sessionId } = await user(api);

  for (const parameters of [{ accountid: caller.accountId }, { userid: caller.accountId }])
    assert.deepEqual(ids(await list(api, { activeonly: "false", ...parameters })), [sessionId]);
});

// And listConsoleSessionsInternalTestShould(Not)FetchConsoleSessionsRecursively….
test("ConsoleAccessManagerImplTest.getBaseDomainIdToListConsoleSessionsTest…: there is one domain: it is the caller's, nothing is below it, and no other is looked into", async () => {
  await using api = await testApi();
  await world(api);
  const { keys, sessionId } = await user(api);
  const all = { activeonly: "false" };

  for (const parameters of [{}, { domainid: DOMAIN.id }, { isrecursive: "true" }, { isrecursive: "false" }])
    assert.deepEqual(ids(await list(api, { ...all, ...parameters }, keys)), [sessionId]);
  const elsewhere = await list(api, { ...all, domainid: "elsewhere" }, keys);
  assert.equal(elsewhere.content["errorcode"], 431);
});

// With full view for root administrators, and a restricted one for others.
test("ConsoleAccessManagerImplTest.listConsoleSessionsTestShouldCreateResponsesWith…: an administrator sees no more of a session than its user: of hosts there is nothing to see", async () => {
  await using api = await testApi();
  await world(api);
  const { keys, sessionId } = await user(api);
  const one = { activeonly: "false", id: sessionId };

  const [full] = (await list(api, one)).sessions;
  const [restricted] = (await list(api, one, keys)).sessions;

  assert.deepEqual(full, restricted);
  assert.ok(full !== undefined && !("hostid" in full) && !("hostname" in full));
});

test("ConsoleAccessManagerImplTest.listConsoleSessionByIdTestShouldCallDbLayer: a session is found by its id when it is over, too", async () => {
  await using api = await testApi();
  const { over } = await world(api);

  const [session] = (await list(api, { activeonly: "false", id: over })).sessions;

  assert.match(String(session?.["removed"]), /\+0000$/);
});
