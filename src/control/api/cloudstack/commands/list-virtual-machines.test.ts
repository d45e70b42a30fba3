import assert from "node:assert/strict";
import { test } from "node:test";
import { cloudStackQuery, type Keys, type TestApi, testApi } from "../../../../../test/harness/api.ts";

interface List {
  readonly count?: number;
  readonly virtualmachine?: readonly Readonly<Record<string, unknown>>[];
  readonly errorcode?: number;
  readonly errortext?: string;
}

async function list(api: TestApi, parameters: Readonly<Record<string, string>> = {}, keys: Keys = api.keys) {
  const query = cloudStackQuery(keys, { command: "listVirtualMachines", response: "json", ...parameters });
  const { json } = await api.call("GET", `/client/api?${query}`);
  return (json as { readonly listvirtualmachinesresponse: List }).listvirtualmachinesresponse;
}

function names({ virtualmachine = [] }: List): unknown[] {
  return virtualmachine.map(({ name }) => name);
}

test("a machine is shown in CloudStack's fields", async () => {
  await using api = await testApi();
  const machine = await api.control.machine({ name: "db-1" });

  assert.deepEqual(await list(api), {
    count: 1,
    virtualmachine: [
      {
        id: machine.id,
        name: "db-1",
        displayname: "db-1",
        projectid: machine.projectId,
        project: machine.project,
        created: machine.createdAt.replace(/\.\d+Z$/, "+0000"),
        state: "Running",
        hypervisor: "External",
        domainid: "00000000-0000-4000-8000-000000000001",
        domain: "ROOT",
        nic: [],
        securitygroup: [],
        affinitygroup: [],
        tags: [],
      },
    ],
  });
  assert.match(
    String((await list(api)).virtualmachine?.[0]?.["created"]),
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/,
  );
});

test("without machines the answer is an empty object", async () => {
  await using api = await testApi();

  assert.deepEqual(await list(api), {});
});

test("machines are found by id, ids, part of the name, keyword, project and state", async () => {
  await using api = await testApi();
  const { admin, services } = api.control;
  const project = await services.projects.add(admin, { name: "shop" });
  const web = await api.control.machine({ name: "Web-1" });
  const db = await api.control.machine({ name: "db-1", project: project.id });
  await services.machines.update(admin, db.id, { state: "stopped" });

  const cases: [parameters: Record<string, string>, found: string[]][] = [
    [{}, ["db-1", "Web-1"]],
    [{ id: db.id }, ["db-1"]],
    [{ ids: `${web.id},${db.id},${web.id}` }, ["db-1", "Web-1"]],
    [{ name: "WEB" }, ["Web-1"]],
    [{ keyword: "-1" }, ["db-1", "Web-1"]],
    [{ keyword: "-1", name: "db" }, ["db-1"]],
    [{ keyword: "nothing" }, []],
    [{ projectid: project.id }, ["db-1"]],
    [{ projectid: "-1" }, ["db-1", "Web-1"]],
    [{ projectid: project.id, id: web.id }, []],
    [{ state: "Running" }, ["Web-1"]],
    [{ state: "stopped" }, ["db-1"]],
    [{ state: "Present" }, ["db-1", "Web-1"]],
    [{ state: "Destroyed" }, []],
    [{ LISTALL: "true", zoneid: "1" }, ["db-1", "Web-1"]],
  ];
  for (const [parameters, found] of cases) {
    const answer = await list(api, parameters);

    assert.deepEqual(names(answer), found, JSON.stringify(parameters));
    assert.equal(answer.count, found.length === 0 ? undefined : found.length);
  }
});

test("pages are counted from one, and the count is that of all pages", async () => {
  await using api = await testApi();
  for (const name of ["a", "b", "c", "d", "e"]) await api.control.machine({ name });

  assert.deepEqual(names(await list(api, { page: "1", pagesize: "2" })), ["a", "b"]);
  assert.deepEqual(names(await list(api, { page: "3", pagesize: "2" })), ["e"]);
  assert.deepEqual(await list(api, { page: "4", pagesize: "2" }), { count: 5 });
  assert.deepEqual(names(await list(api, { pagesize: "-1" })), ["a", "b", "c", "d", "e"]);
  assert.equal((await list(api, { page: "2", pagesize: "2" })).count, 5);
});

test("pages that make no sense, and ids of nothing, are parameter errors", async () => {
  await using api = await testApi();

  const cases: [parameters: Record<string, string>, text: RegExp][] = [
    [{ page: "1" }, /^"pagesize" parameter is required when "page" is specified$/],
    [{ pagesize: "5" }, /^"page" parameter is required when "pagesize" is specified$/],
    [{ page: "1", pagesize: "501" }, /^Page size can't exceed max allowed page size value: 500$/],
    [{ page: "1", pagesize: "-1" }, /^Can't specify page parameter when pagesize is -1/],
    [{ page: "1", pagesize: "-2" }, /Invalid parameter pagesize value=-2$/],
    [{ page: "1", pagesize: "0" }, /Invalid parameter pagesize value=0$/],
    [{ page: "one", pagesize: "5" }, /Invalid parameter page value=one$/],
    [{ id: "nothing" }, /Invalid parameter id value=nothing due to incorrect long value format/],
    [{ ids: "a,b" }, /Invalid parameter ids value=a due to/],
    [{ id: "a", ids: "b" }, /^Specify either id or ids but not both parameters$/],
    [
      { ids: Array.from({ length: 501 }, (_, index) => index).join(",") },
      /More than 500 values for parameter ids$/,
    ],
  ];
  for (const [parameters, text] of cases) {
    const { errorcode, errortext } = await list(api, parameters);

    assert.equal(errorcode, 431, JSON.stringify(parameters));
    assert.match(String(errortext), text);
  }
});

test("a member sees the machines of its projects and cannot tell that there are others", async () => {
  await using api = await testApi();
  const { admin, services } = api.control;
  const mine = await services.projects.add(admin, { name: "mine" });
  const own = await api.control.machine({ name: "own", project: mine.id });
  const other = await api.control.machine({ name: "other" });
  const member = await api.member("someone", [mine.id]);

  assert.deepEqual(names(await list(api, {}, member)), ["own"]);
  assert.equal((await list(api, { id: own.id }, member)).count, 1);
  const foreign = await list(api, { id: other.id }, member);
  const unknown = await list(api, { id: "3c1f0b9e-0000-4000-8000-000000000001" }, member);
  assert.equal(
    foreign.errortext?.replace(other.id, "ID"),
    unknown.errortext?.replace("3c1f0b9e-0000-4000-8000-000000000001", "ID"),
  );
});

test("more machines than fit one page of the database are all counted", async () => {
  await using api = await testApi();
  const total = 503;
  for (let index = 0; index < total; index += 1) await api.control.machine({ name: `m-${index}` });

  const answer = await list(api);

  assert.equal(answer.count, total);
  assert.equal(answer.virtualmachine?.length, 500);
});
