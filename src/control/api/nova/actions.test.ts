import assert from "node:assert/strict";
import { test } from "node:test";
import { testApi } from "../../../../test/harness/api.ts";
import { faultOf, novaCall } from "../../../../test/harness/nova.ts";
import { openLine, whileAnswering } from "../../../../test/harness/open-line.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";

async function world() {
  const api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine();
  const act = async (body: unknown, { version = "2.1", server = id } = {}) =>
    await novaCall(api, "POST", `/v2.1/servers/${server}/action`, { body, version });
  return { api, id, act };
}

for (const t of onBoth("consoles are opened by actions up to 2.5, in their own shape", async () => {
  const { api, act, id } = await world();
  await using _ = api;
  const vnc = { "os-getVNCConsole": { type: "novnc" } };

  for (const version of ["2.1", "2.5"]) {
    const { status, json } = await act(vnc, { version });
    const { type, url } = (json as { console: Record<string, string> }).console;
    assert.deepEqual([status, type], [200, "novnc"]);
    assert.match(url ?? "", /\?path=%3Ftoken%3D[\w.-]+$/);
  }
  assert.deepEqual(faultOf(await act(vnc, { version: "2.6" })), [
    404,
    "itemNotFound",
    "The resource could not be found.",
  ]);
  await api.control.services.machines.update(api.control.admin, id, { state: "stopped" });
  assert.deepEqual(faultOf(await act(vnc)), [409, "conflictingRequest", `Instance ${id} is not ready`]);
}))
  test(...t);

test("a serial line is opened by its action up to 2.5, and what a machine has not is said in Nova's words", async () => {
  const { api, act } = await world();
  await using _ = api;
  const { id: server } = await api.control.machine({ serialAddress: "192.0.2.10:4001" });
  const serial = { "os-getSerialConsole": { type: "serial" } };

  const { status, json } = await act(serial, { server, version: "2.5" });

  const { type, url } = (json as { console: Record<string, string> }).console;
  assert.deepEqual([status, type], [200, "serial"]);
  assert.match(url ?? "", /^ws:\/\/node\.example\.com:8080\/websockify\/\?token=[\w.-]+$/);
  assert.deepEqual(faultOf(await act(serial)), [400, "badRequest", "Unavailable console type serial."]);
  assert.equal((await act(serial, { server, version: "2.6" })).status, 404);
  assert.match(
    faultOf(await act({ "os-getSerialConsole": { type: "novnc" } }, { server }))[2],
    /'novnc' is not one of \['serial'\]/,
  );
  assert.match(
    faultOf(await act({ "os-getSerialConsole": { type: "serial", y: 1 } }, { server }))[2],
    /Additional properties are not allowed \('y' was unexpected\)/,
  );
  assert.match(
    faultOf(await act({ "os-getSerialConsole": {} }, { server }))[2],
    /'type' is a required property/,
  );
});

test("an action that there is not, or that has not what it takes, is refused in Nova's words", async () => {
  const { api, act } = await world();
  await using _ = api;
  const said = async (body: unknown, options?: { server: string }) =>
    faultOf(await act(body, options)).slice(0, 3);
  const bad = (message: string) => [400, "badRequest", message];

  for (const body of [undefined, {}, [], { "os-getVNCConsole": { type: "novnc" }, x: 1 }])
    assert.deepEqual(await said(body), bad("Malformed request body"));
  assert.deepEqual(
    await said({ "os-getMKSConsole": { type: "webmks" } }),
    bad("There is no such action: os-getMKSConsole"),
  );
  assert.deepEqual(await said({ constructor: {} }), bad("There is no such action: constructor"));
  assert.deepEqual(
    await said({ "os-getVNCConsole": { type: "spice-html5" } }),
    bad(
      "Invalid input for field/attribute type. Value: spice-html5. 'spice-html5' is not one of ['novnc', 'xvpvnc']",
    ),
  );
  assert.deepEqual(
    await said({ "os-getVNCConsole": { type: "xvpvnc" } }),
    bad("Invalid console type xvpvnc"),
  );
  assert.deepEqual(
    await said({ "os-getSPICEConsole": { type: "spice-html5" } }),
    bad("Unavailable console type spice-html5."),
  );
  assert.deepEqual(
    await said({ "os-getRDPConsole": { type: "rdp-html5" } }),
    bad("The server could not comply with the request since it is either malformed or otherwise incorrect."),
  );
  assert.deepEqual(await said({ "os-getSPICEConsole": { type: "spice-html5" } }, { server: "nothing" }), [
    404,
    "itemNotFound",
    "Instance nothing could not be found.",
  ]);
});

test("the console's output of a machine that has none is not there, in any microversion", async () => {
  const { api, act } = await world();
  await using _ = api;
  const ask = async (options: unknown, more?: { version?: string; server?: string }) =>
    faultOf(await act({ "os-getConsoleOutput": options }, more));

  for (const options of [{}, { length: 10 }, { length: "10" }, { length: null }, { length: -1 }])
    for (const version of ["2.1", "2.96"])
      assert.deepEqual(await ask(options, { version }), [
        404,
        "itemNotFound",
        "Guest does not have a console available.",
      ]);
  assert.equal((await ask({}, { server: "nothing" }))[2], "Instance nothing could not be found.");
  for (const length of [1.5, true, "x", "-2", "1.5", "", -2, [], {}])
    assert.equal((await ask({ length }))[0], 400);
  assert.match((await ask({ x: 1 }))[2], /'x' was unexpected/);
  assert.match((await ask(null))[2], /None is not of type 'object'/);
});

for (const t of onBoth(
  "the console's output is what the serial line has said: all of it, or the last lines",
  async () => {
    const api = await testApi();
    await using _ = api;
    const { control } = api;
    const node = await control.node();
    const { machine, end } = await openLine(control, node);
    const ask = async (options: unknown) =>
      await whileAnswering(
        { control, node },
        () => ({ output: "one\ntwo\nthree" }),
        novaCall(api, "POST", `/v2.1/servers/${machine.id}/action`, {
          body: { "os-getConsoleOutput": options },
        }),
      );
    const output = async (options: unknown) => {
      const { status, json } = await ask(options);
      return [status, (json as { output: string }).output];
    };

    for (const options of [{}, { length: null }, { length: -1 }, { length: "-1" }, { length: 100 }])
      assert.deepEqual(await output(options), [200, "one\ntwo\nthree"], JSON.stringify(options));
    for (const length of [2, "2"]) assert.deepEqual(await output({ length }), [200, "two\nthree"]);
    assert.deepEqual(await output({ length: 0 }), [200, ""]);
    await end();
    const [status, name, message] = faultOf(await ask({}));
    assert.deepEqual([status, name], [409, "conflictingRequest"]);
    assert.match(message, /^Nobody has this serial line open.*ask again while it is open\.$/);
    await control.services.machines.update(control.admin, machine.id, { state: "stopped" });
    assert.deepEqual(faultOf(await ask({})), [
      409,
      "conflictingRequest",
      `Instance ${machine.id} is not ready`,
    ]);
  },
))
  test(...t);
