import assert from "node:assert/strict";
import { test } from "node:test";
import { testApi } from "../../../../../test/harness/api.ts";
import { cloudStackCall } from "../../../../../test/harness/cloudstack-call.ts";
import { SETTING_NAMES, SETTINGS } from "../../../settings/table.ts";

const NAME = "consoleproxy.extra.security.validation.enabled";

test("every setting is listed, in CloudStack's fields", async () => {
  await using api = await testApi();

  const { content } = await cloudStackCall(api, { command: "listConfigurations" });

  const { count, configuration } = content as { count: number; configuration: Record<string, unknown>[] };
  assert.equal(count, SETTING_NAMES.length);
  assert.deepEqual(
    configuration.map(({ name }) => name),
    SETTING_NAMES,
  );
  assert.deepEqual(
    configuration.find(({ name }) => name === NAME),
    {
      category: "Advanced",
      name: NAME,
      value: "false",
      defaultvalue: "false",
      description: SETTINGS[NAME].description,
      isdynamic: true,
      type: "Boolean",
    },
  );
});

test("settings are found by name, by a part of it, and by category", async () => {
  await using api = await testApi();
  const count = async (parameters: Readonly<Record<string, string>>) =>
    (await cloudStackCall(api, { command: "listConfigurations", ...parameters })).content["count"];

  assert.equal(await count({ name: NAME }), 1);
  assert.equal(await count({ name: "consoleproxy.extra" }), undefined);
  assert.equal(await count({ keyword: "console.ticket.lifetime" }), 4);
  assert.equal(await count({ category: "Storage" }), undefined);
  assert.equal(await count({ category: "Advanced", page: "2", pagesize: "2" }), SETTING_NAMES.length);
});

test("a setting that is updated is in force at once", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine();

  const { status, content } = await cloudStackCall(api, {
    command: "updateConfiguration",
    name: NAME,
    value: "true",
  });

  assert.equal(status, 200);
  assert.equal((content["configuration"] as { value: string }).value, "true");
  const opened = await cloudStackCall(api, { command: "createConsoleEndpoint", virtualmachineid: id });
  assert.equal((opened.content["consoleendpoint"] as { success: boolean }).success, false);
});

test("a setting that there is not, a value that it cannot have, and no name, are parameter errors", async () => {
  await using api = await testApi();

  const cases: [parameters: Record<string, string>, text: RegExp][] = [
    [{ value: "1" }, /missing parameter name$/],
    [
      { name: "cpu.overprovisioning.factor", value: "2" },
      /^Config parameter with name cpu\.over.* doesn't exist$/,
    ],
    [{ name: NAME, value: "maybe" }, /must be true or false/],
    [{ name: NAME }, /must be true or false/],
  ];
  for (const [parameters, text] of cases) {
    const { status, content } = await cloudStackCall(api, { command: "updateConfiguration", ...parameters });

    assert.equal(status, 431, JSON.stringify(parameters));
    assert.match(String(content["errortext"]), text);
  }
});

test("which CloudStack this is can be asked by everybody, and the settings by administrators alone", async () => {
  await using api = await testApi();
  const member = await api.member("someone", []);

  const { content } = await cloudStackCall(api, { command: "listCapabilities" }, member);
  const { cloudstackversion } = content["capability"] as { cloudstackversion: string };
  assert.match(cloudstackversion, /^4\.\d+\.\d+\.\d+$/);
  for (const command of ["listConfigurations", "updateConfiguration"]) {
    const refused = await cloudStackCall(api, { command, name: NAME, value: "true" }, member);

    assert.equal(refused.status, 401);
    assert.deepEqual(refused.content, {
      uuidList: [],
      errorcode: 401,
      cserrorcode: 9999,
      errortext: `The given command '${command}' either does not exist, is not available for user.`,
    });
  }
  assert.equal(api.control.values.value(NAME), false);
});
