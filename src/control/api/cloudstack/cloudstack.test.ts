import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cloudStackQuery, type Keys, type TestApi, testApi } from "../../../../test/harness/api.ts";

const REFUSED = "unable to verify user credentials and/or request signature";

type Answer = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

async function get(api: TestApi, parameters: Readonly<Record<string, string>>, keys: Keys = api.keys) {
  return await api.call("GET", `/client/api?${cloudStackQuery(keys, { response: "json", ...parameters })}`);
}

async function post(api: TestApi, body: string, { query = "" } = {}) {
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  return await api.call("POST", `/client/api${query}`, { text: body, headers });
}

/** The body's one field, whatever it is called. */
function content(json: unknown): Readonly<Record<string, unknown>> {
  const [only] = Object.values(json as Answer);
  return only ?? {};
}

describe("createConsoleEndpoint", () => {
  test("answers the page and the WebSocket's coordinates, in CloudStack's fields", async () => {
    await using api = await testApi();
    await api.control.node();
    const machine = await api.control.machine();

    const { status, headers, json } = await get(api, {
      command: "createConsoleEndpoint",
      virtualmachineid: machine.id,
    });

    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "application/json; charset=UTF-8");
    assert.equal(headers.get("cache-control"), "no-store");
    const { consoleendpoint } = content(json);
    const { url, websocket } = consoleendpoint as { url: string; websocket: { token: string } };
    assert.deepEqual(json, {
      createconsoleendpointresponse: {
        consoleendpoint: {
          success: true,
          result: true,
          url: `http://node.example.com:8080/p/${machine.projectId}/console.html#token=${websocket.token}`,
          websocket: { token: websocket.token, host: "node.example.com", port: "8080", path: "websockify" },
        },
      },
    });
    assert.ok(websocket.token.length > 100, url);
  });

  test("gives back the extra token that the caller gave, beside the WebSocket's coordinates", async () => {
    await using api = await testApi();
    await api.control.node();
    const { id } = await api.control.machine();

    const { json } = await get(api, {
      command: "createConsoleEndpoint",
      virtualmachineid: id,
      token: "s3 crét",
    });

    const { url, websocket } = content(json)["consoleendpoint"] as {
      url: string;
      websocket: { extra: string };
    };
    assert.equal(websocket.extra, "s3 crét");
    assert.match(url, /&extra=s3%20cr%C3%A9t$/);
  });

  test("is taken as a form, with the parameters divided between the address and the form", async () => {
    await using api = await testApi();
    await api.control.node();
    const { id } = await api.control.machine();
    const query = cloudStackQuery(api.keys, {
      command: "createConsoleEndpoint",
      virtualmachineid: id,
      response: "json",
    });

    const whole = await post(api, query);
    const [first = "", ...rest] = query.split("&");
    const divided = await post(api, rest.join("&"), { query: `?${first}` });

    assert.equal(whole.status, 200, whole.text);
    assert.equal(divided.status, 200, divided.text);
  });

  test("answers in XML unless it is asked for JSON", async () => {
    await using api = await testApi();
    await api.control.node();
    const { id } = await api.control.machine({ name: "A & B" });
    const query = cloudStackQuery(api.keys, { command: "createConsoleEndpoint", virtualmachineid: id });

    const { status, headers, text } = await api.call("GET", `/client/api?${query}`);

    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "text/xml; charset=UTF-8");
    assert.match(
      text,
      /^<\?xml version="1\.0" encoding="UTF-8"\?><createconsoleendpointresponse cloud-stack-version="4\.22\.0\.0"><consoleendpoint><success>true<\/success><result>true<\/result><url>http:[^<]+<\/url><websocket><token>[^<]+<\/token><host>node\.example\.com<\/host><port>8080<\/port><path>websockify<\/path><\/websocket><\/consoleendpoint><\/createconsoleendpointresponse>$/,
    );
  });

  test("a stopped machine has no console: no error, and CloudStack's sentence", async () => {
    await using api = await testApi();
    const { admin, services } = api.control;
    const { id } = await api.control.machine();
    await services.machines.update(admin, id, { state: "stopped" });

    const { status, json } = await get(api, { command: "createConsoleEndpoint", virtualmachineid: id });

    assert.equal(status, 200);
    assert.deepEqual(content(json), {
      consoleendpoint: {
        success: false,
        result: false,
        details: `Server Internal Error: VM ${id} must be running to connect console, sending blank response for console access request`,
      },
    });
  });

  test("without a node it is to be tried again", async () => {
    await using api = await testApi();
    const { id } = await api.control.machine();

    const { status, json } = await get(api, { command: "createConsoleEndpoint", virtualmachineid: id });

    assert.equal(status, 200);
    assert.deepEqual(content(json)["consoleendpoint"], {
      success: false,
      result: false,
      details:
        "Server Internal Error: Console access will be ready in a few minutes. Please try it again later.",
    });
  });

  test("an extra token with a line feed, which CloudStack lets pass, is an invalid value", async () => {
    await using api = await testApi();
    await api.control.node();
    const { id } = await api.control.machine();

    const { status, json } = await get(api, {
      command: "createConsoleEndpoint",
      virtualmachineid: id,
      token: "a\nb",
    });

    assert.equal(status, 431);
    assert.match(String(content(json)["errortext"]), /invalid value\..*extraSecurityToken/);
  });

  test("where the installation demands an extra token, there is no console without one", async () => {
    await using api = await testApi();
    const { admin, services } = api.control;
    await api.control.node();
    const { id } = await api.control.machine();
    await services.settings.set(admin, "consoleproxy.extra.security.validation.enabled", "true");
    const command = { command: "createConsoleEndpoint", virtualmachineid: id };

    const without = await get(api, command);
    const with_ = await get(api, { ...command, token: "extra" });

    assert.equal(without.status, 200);
    assert.deepEqual(content(without.json)["consoleendpoint"], {
      success: false,
      result: false,
      details:
        "This installation demands an extra token with every console. Send one, and give it to the viewer apart from the link.",
    });
    assert.match(with_.text, /"success":true/);
  });

  test("a missing, empty or unknown machine, and an over-long token, are parameter errors", async () => {
    await using api = await testApi();
    const { id } = await api.control.machine();
    const member = await api.member("someone", []);
    const prefix = "Unable to execute API command createconsoleendpoint due to";
    const unknown = (value: string) =>
      `${prefix} invalid value. Invalid parameter virtualmachineid value=${value} due to incorrect long value format, ` +
      "or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.";
    const nowhere = "3c1f0b9e-0000-4000-8000-000000000001";

    const cases: [parameters: Record<string, string>, text: string][] = [
      [{}, `${prefix} missing parameter virtualmachineid`],
      [{ virtualmachineid: "" }, `${prefix} missing parameter virtualmachineid`],
      [{ virtualmachineid: nowhere }, unknown(nowhere)],
      [{ virtualmachineid: "42" }, unknown("42")],
      [{ virtualmachineid: "x".repeat(5000) }, unknown(`${"x".repeat(300)}…`)],
      [
        { virtualmachineid: id, token: "x".repeat(256) },
        `${prefix} invalid value. Value greater than max allowed length 255 for param: extraSecurityToken`,
      ],
    ];
    for (const [parameters, errortext] of cases) {
      const { status, headers, json } = await get(
        api,
        { command: "createConsoleEndpoint", ...parameters },
        member,
      );

      assert.equal(status, 431);
      assert.deepEqual(json, {
        createconsoleendpointresponse: { uuidList: [], errorcode: 431, cserrorcode: 9999, errortext },
      });
      assert.equal(headers.get("x-description"), errortext.replace("…", "?"));
    }
  });

  test("another project's machine is no API error: permission denied, as CloudStack's clients expect", async () => {
    await using api = await testApi();
    await api.control.node();
    const { admin, services } = api.control;
    const theirs = await services.projects.add(admin, { name: "theirs" });
    const { id } = await api.control.machine({ project: theirs.id });
    const member = await api.member("someone", []);

    const { status, json } = await get(
      api,
      { command: "createConsoleEndpoint", virtualmachineid: id },
      member,
    );

    assert.equal(status, 200);
    assert.deepEqual(json, {
      createconsoleendpointresponse: {
        consoleendpoint: { success: false, result: false, details: "Permission denied" },
      },
    });
    assert.deepEqual((await services.sessions.list(admin, {})).items, []);
  });

  test("control characters are refused wherever they stand, line ends are not", async () => {
    await using api = await testApi();
    const { id } = await api.control.machine();
    const command = { command: "createConsoleEndpoint", virtualmachineid: id };

    const bad = await get(api, { ...command, token: "a\u0007b" });
    const good = await get(api, { ...command, note: "a\r\nb" });

    assert.equal(bad.status, 431);
    assert.equal(
      content(bad.json)["errortext"],
      "Received value containing illegal ASCII non-printable characters for parameter token",
    );
    assert.equal(good.status, 200, good.text);
  });

  test("of a doubled parameter the last one is signed for and used", async () => {
    await using api = await testApi();
    await api.control.node();
    const machine = await api.control.machine();
    const signed = cloudStackQuery(api.keys, {
      command: "createConsoleEndpoint",
      virtualmachineid: machine.id,
      response: "json",
    });

    const before = await api.call("GET", `/client/api?virtualmachineid=other&${signed}`);
    const after = await api.call("GET", `/client/api?${signed}&virtualMachineId=other`);

    assert.match(before.text, /"success":true/);
    assert.equal(after.status, 401, after.text);
  });
});

describe("credentials", () => {
  const command = { command: "listVirtualMachines", response: "json" };
  const refusal = { uuidList: [], errorcode: 401, errortext: REFUSED };

  test("whatever is wrong with them is one and the same answer", async () => {
    await using api = await testApi();
    const good = cloudStackQuery(api.keys, command);
    const stranger = { ...api.keys, apiKey: "nobody" };
    const wrongSecret = { ...api.keys, secretKey: "wrong" };
    const expired = { ...command, signatureversion: "3", expires: "2020-01-01T00:00:00+0000" };

    const queries = {
      "a changed value": good.replace("listVirtualMachines", "createConsoleEndpoint"),
      "no signature": good.replace(/&signature=.*$/, ""),
      "no API key": good.replace(/apikey=[^&]*&/, ""),
      "an unknown API key": cloudStackQuery(stranger, command),
      "a wrong secret key": cloudStackQuery(wrongSecret, command),
      "an expired request": cloudStackQuery(api.keys, expired),
      "version 3 without an expiry": cloudStackQuery(api.keys, { ...command, signatureversion: "3" }),
    };
    for (const [name, query] of Object.entries(queries)) {
      const { status, json } = await api.call("GET", `/client/api?${query}`);

      assert.equal(status, 401, name);
      assert.deepEqual(content(json), refusal, name);
    }
  });

  test("the answer is named after the command; an unknown or missing command is told like a wrong credential", async () => {
    await using api = await testApi();
    const bad = { ...api.keys, secretKey: "wrong" };

    const known = await api.call("GET", `/client/api?${cloudStackQuery(bad, command)}`);
    const unknown = await get(api, { command: "destroyEverything" });
    const missing = await get(api, {});
    const empty = await api.call("GET", "/client/api?response=json");

    assert.deepEqual(known.json, { listvirtualmachinesresponse: refusal });
    for (const reply of [unknown, missing, empty]) {
      assert.equal(reply.status, 401);
      assert.deepEqual(reply.json, { errorresponse: refusal });
    }
  });

  test("a request of version 3 that has not expired is answered", async () => {
    await using api = await testApi();
    const expires = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+Z$/, "+0000");

    const { status } = await get(api, { command: "listVirtualMachines", signatureversion: "3", expires });

    assert.equal(status, 200);
  });

  test("whoever fails twenty times is refused for a while, though nobody else with another key is", async () => {
    await using api = await testApi();
    const member = await api.member("other", []);
    const bad = { ...api.keys, secretKey: "wrong" };
    for (let attempt = 0; attempt < 20; attempt += 1)
      assert.equal((await get(api, command, bad)).status, 401);

    const again = await get(api, command);
    const other = await get(api, command, member);

    assert.equal(again.status, 429);
    assert.equal(content(again.json)["errorcode"], 429);
    assert.equal(other.status, 200);
  });

  test("neither a signature nor a key nor a ticket is ever logged", async () => {
    await using api = await testApi();
    await api.control.node();
    const { id } = await api.control.machine();
    const query = cloudStackQuery(api.keys, {
      command: "createConsoleEndpoint",
      virtualmachineid: id,
      response: "json",
      token: "extra-token-of-the-caller",
    });

    const { json } = await api.call("GET", `/client/api?${query}`);
    await api.call("GET", `/client/api?${query}x`);

    const { websocket } = content(json)["consoleendpoint"] as { websocket: { token: string } };
    const signature = /signature=(.*)$/.exec(query)?.[1] ?? "";
    const logged = api.log();
    assert.match(logged, /"route":"\/client\/api","status":200/);
    for (const secret of [
      signature,
      decodeURIComponent(signature),
      websocket.token,
      "extra-token-of-the-caller",
    ])
      assert.ok(!logged.includes(secret), secret);
    assert.ok(!logged.includes(api.keys.secretKey));
  });
});

describe("what is no CloudStack request", () => {
  test("another content type, an over-long body and another Host are errors in CloudStack's shape", async () => {
    await using api = await testApi();

    const json = await api.call("POST", "/client/api?response=json", { body: { command: "x" } });
    const long = await post(api, `command=${"x".repeat(70_000)}`, { query: "?response=json" });
    const host = await api.call("GET", "/client/api?response=json", {
      headers: { host: "evil.example.com" },
    });

    assert.equal(json.status, 415);
    assert.equal(long.status, 413);
    assert.equal(host.status, 421);
    for (const reply of [json, long, host]) assert.equal(content(reply.json)["errorcode"], reply.status);
  });

  test("a query that is no UTF-8 and a form full of percent signs are refused, and nothing breaks", async () => {
    await using api = await testApi();

    const query = await api.call("GET", "/client/api?command=%ff%fe&%=%&==&&response=json");
    const form = await post(api, "%%%=%zz&command", { query: "?response=json" });

    assert.equal(query.status, 401);
    assert.equal(form.status, 401);
    assert.doesNotMatch(query.text + form.text, /\bat .*\.ts/);
  });
});
