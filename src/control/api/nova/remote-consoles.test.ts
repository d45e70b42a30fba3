import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestApi, testApi } from "../../../../test/harness/api.ts";
import { faultOf, novaCall } from "../../../../test/harness/nova.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";

const NOVNC = { remote_console: { protocol: "vnc", type: "novnc" } };

async function world() {
  const api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine();
  return { api, id, path: `/v2.1/servers/${id}/remote-consoles` };
}

/** A machine with a serial line beside its screen. */
async function withLine() {
  const api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine({ serialAddress: "telnet://192.0.2.10:4001" });
  return { api, id, path: `/v2.1/servers/${id}/remote-consoles` };
}

const ask = async (api: TestApi, path: string, body: unknown, version = "2.8") =>
  await novaCall(api, "POST", path, { body, version });

for (const t of onBoth("a console's URL has its ticket where noVNC's pages look for it", async () => {
  const { api, path } = await world();
  await using _ = api;

  const { status, json } = await ask(api, path, NOVNC);

  assert.equal(status, 200);
  const { protocol, type, url } = (json as { remote_console: Record<string, string> }).remote_console;
  assert.deepEqual([protocol, type], ["vnc", "novnc"]);
  assert.match(
    url ?? "",
    /^http:\/\/node\.example\.com:8080\/p\/[^/]+\/console\.html\?path=%3Ftoken%3D[\w.-]+$/,
  );
}))
  test(...t);

for (const t of onBoth(
  "the ticket lives as long as the setting says: ten minutes, as Nova's do",
  async () => {
    const { api, path, id } = await world();
    await using _ = api;
    const { admin, services, clock } = api.control;
    const lives = async () => {
      assert.equal((await ask(api, path, NOVNC)).status, 200);
      const { items } = await services.sessions.list(admin, { machineId: id });
      const rows = await api.control.store.db
        .selectFrom("sessions")
        .select(["ticket_expires_at", "api"])
        .where("id", "=", items[0]?.id ?? "")
        .executeTakeFirstOrThrow();
      return [rows.api, rows.ticket_expires_at - clock.now()];
    };

    assert.deepEqual(await lives(), ["nova", 600_000]);
    await services.settings.set(admin, "console.ticket.lifetime.nova", "30000");
    assert.deepEqual(await lives(), ["nova", 30_000]);
  },
))
  test(...t);

for (const t of onBoth("each row of Nova's table of errors is answered in Nova's words", async () => {
  const { api, id, path } = await world();
  await using _ = api;
  const { admin, services } = api.control;
  const stopped = await api.control.machine();
  await services.machines.update(admin, stopped.id, { state: "stopped" });
  const console = (protocol: string, type: string) => ({ remote_console: { protocol, type } });
  const of = (server: string) => `/v2.1/servers/${server}/remote-consoles`;
  const types = "['novnc', 'xvpvnc', 'spice-html5', 'serial', 'rdp-html5', 'webmks']";

  const rows: readonly (readonly [path: string, body: unknown, status: number, message: string])[] = [
    [of("nothing"), NOVNC, 404, "Instance nothing could not be found."],
    [of("nothing"), console("mks", "webmks"), 404, "Instance nothing could not be found."],
    [of(stopped.id), NOVNC, 409, `Instance ${stopped.id} is not ready`],
    [path, console("spice", "spice-html5"), 400, "Unavailable console type spice-html5."],
    [path, console("mks", "webmks"), 400, "Unavailable console type webmks."],
    [path, console("serial", "serial"), 400, "Unavailable console type serial."],
    [path, console("vnc", "serial"), 400, "Invalid console type serial"],
    [path, console("vnc", "webmks"), 400, "Invalid console type webmks"],
    [path, console("serial", "novnc"), 400, "Invalid console type novnc"],
    [path, console("mks", "novnc"), 400, "Invalid console type novnc"],
    [path, console("spice", "novnc"), 400, "Unavailable console type novnc."],
    [path, console("vnc", "xvpvnc"), 400, "Invalid console type xvpvnc"],
    [
      path,
      console("rdp", "rdp-html5"),
      400,
      "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    ],
    [
      path,
      console("vnc", "bogus"),
      400,
      `Invalid input for field/attribute type. Value: bogus. 'bogus' is not one of ${types}`,
    ],
    [
      path,
      { remote_console: { protocol: "vnc", type: 5 } },
      400,
      "Invalid input for field/attribute type. Value: 5. 5 is not of type 'string'",
    ],
    [
      path,
      { remote_console: { protocol: "vnc", type: "novnc", y: 1 } },
      400,
      "Invalid input for field/attribute remote_console. Value: {'protocol': 'vnc', 'type': 'novnc', 'y': 1}. Additional properties are not allowed ('y' was unexpected)",
    ],
    [
      path,
      { remote_console: { protocol: "vnc" } },
      400,
      "Invalid input for field/attribute remote_console. Value: {'protocol': 'vnc'}. 'type' is a required property",
    ],
    [
      path,
      { remote_console: [] },
      400,
      "Invalid input for field/attribute remote_console. Value: []. [] is not of type 'object'",
    ],
    [
      path,
      { remote_console: null },
      400,
      "Invalid input for field/attribute remote_console. Value: None. None is not of type 'object'",
    ],
    [
      path,
      console("bogus", "novnc"),
      400,
      "Invalid input for field/attribute protocol. Value: bogus. 'bogus' is not one of ['vnc', 'spice', 'serial', 'rdp', 'mks']",
    ],
    [
      path,
      console("VNC", "novnc"),
      400,
      "Invalid input for field/attribute protocol. Value: VNC. 'VNC' is not one of ['vnc', 'spice', 'serial', 'rdp', 'mks']",
    ],
    [
      path,
      { remote_console: { protocol: "vnc", type: "novnc", y: 1, z: 2 } },
      400,
      "Invalid input for field/attribute remote_console. Value: {'protocol': 'vnc', 'type': 'novnc', 'y': 1, 'z': 2}. Additional properties are not allowed ('y', 'z' were unexpected)",
    ],
    [path, { ...NOVNC, y: 1 }, 400, "Additional properties are not allowed ('y' was unexpected)"],
    [path, {}, 400, "'remote_console' is a required property"],
    [path, undefined, 400, "None is not of type 'object'"],
    [path, [1], 400, "[1] is not of type 'object'"],
  ];
  for (const [where, body, status, message] of rows) {
    const name = { 400: "badRequest", 404: "itemNotFound", 409: "conflictingRequest" }[status];
    assert.deepEqual(faultOf(await ask(api, where, body)), [status, name, message], JSON.stringify(body));
  }
  assert.deepEqual((await services.sessions.list(admin, { machineId: id })).items, []);
}))
  test(...t);

for (const t of onBoth("a body that cannot be read is refused, and its type is not asked for", async () => {
  const { api, path } = await world();
  await using _ = api;
  const text = JSON.stringify(NOVNC);
  const send = async (content: string, type?: string) =>
    await novaCall(api, "POST", path, {
      text: content,
      version: "2.8",
      headers: type === undefined ? {} : { "content-type": type },
    });

  for (const type of [
    undefined,
    "text/plain",
    "application/json; charset=utf-8",
    "application/vnd.openstack.compute+json",
  ])
    assert.equal((await send(text, type)).status, 200, type);
  assert.deepEqual(faultOf(await send("{", "application/json")), [
    400,
    "badRequest",
    "Malformed request body",
  ]);
  assert.deepEqual(faultOf(await send(text, "application/xml")), [
    415,
    "badMediaType",
    "Unsupported Content-Type",
  ]);
  assert.equal((await send("x".repeat(100_000), "application/json")).status, 413);
}))
  test(...t);

test("remote consoles came with 2.6, mks with 2.8, and spice-direct with 2.99", async () => {
  const { api, path } = await world();
  await using _ = api;
  const mks = { remote_console: { protocol: "mks", type: "webmks" } };
  const direct = { remote_console: { protocol: "spice", type: "spice-direct" } };
  const message = async (body: unknown, version: string) => faultOf(await ask(api, path, body, version))[2];

  for (const version of ["2.1", "2.5"])
    assert.equal(await message(NOVNC, version), "The resource could not be found.");
  assert.equal((await ask(api, path, NOVNC, "2.6")).status, 200);
  assert.match(await message(mks, "2.7"), /'mks' is not one of \['vnc', 'spice', 'serial', 'rdp'\]/);
  assert.equal(await message(mks, "2.8"), "Unavailable console type webmks.");
  assert.match(await message(direct, "2.98"), /'spice-direct' is not one of/);
  assert.equal(await message(direct, "2.99"), "Unavailable console type spice-direct.");
});

test("the bare form has no wrapper, says back no type, and needs no microversion", async () => {
  const { api, id } = await world();
  await using _ = api;
  const path = `/v2.1/servers/${id}/console`;
  const send = async (body: unknown) => await novaCall(api, "POST", path, { body });

  const { status, json } = await send({ protocol: "vnc", type: "novnc" });

  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json as object), ["protocol", "url"]);
  assert.deepEqual(faultOf(await send({ protocol: "mks", type: "webmks" })), [
    400,
    "badRequest",
    "Unavailable console type webmks.",
  ]);
  assert.match(faultOf(await send({ protocol: "vnc", type: "novnc", x: 1 }))[2], /'x' was unexpected/);
  assert.match(faultOf(await send({ protocol: "vnc" }))[2], /'type' is a required property/);
});

for (const t of onBoth(
  "a serial line's URL is the WebSocket of its node, and has its ticket as `token`",
  async () => {
    const { api, id, path } = await withLine();
    await using _ = api;
    const { admin, services } = api.control;
    const serial = { protocol: "serial", type: "serial" };

    const reply = await ask(api, path, { remote_console: serial });

    const { url, ...said } = (reply.json as { remote_console: Record<string, string> }).remote_console;
    assert.deepEqual([reply.status, said], [200, serial]);
    assert.match(url ?? "", /^ws:\/\/node\.example\.com:8080\/websockify\/\?token=[\w.-]+$/);
    const { json: bare } = await novaCall(api, "POST", `/v2.1/servers/${id}/console`, { body: serial });
    assert.deepEqual(Object.keys(bare as object), ["protocol", "url"]);
    const { items } = await services.sessions.list(admin, { machineId: id });
    assert.deepEqual(
      items.map(({ protocol }) => protocol),
      ["serial", "serial"],
    );
    await services.machines.update(admin, id, { state: "stopped" });
    assert.deepEqual(faultOf(await ask(api, path, { remote_console: serial })), [
      409,
      "conflictingRequest",
      `Instance ${id} is not ready`,
    ]);
  },
))
  test(...t);

test("a machine that is nothing but a serial line has no screen to be shown", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine({ protocol: "serial", address: "192.0.2.10:4001" });
  const path = `/v2.1/servers/${id}/remote-consoles`;

  assert.deepEqual(faultOf(await ask(api, path, NOVNC)).slice(0, 3), [
    400,
    "badRequest",
    "Unavailable console type novnc.",
  ]);
  assert.equal(
    (await ask(api, path, { remote_console: { protocol: "serial", type: "serial" } })).status,
    200,
  );
});

test("a proxy of the operator's own is what serial lines' URLs lead to, where there is one", async () => {
  const { api, path } = await withLine();
  await using _ = api;
  const { admin, services } = api.control;
  const urlWith = async (base: string) => {
    await services.settings.set(admin, "serialproxy_base_url", base);
    const { json } = await ask(api, path, { remote_console: { protocol: "serial", type: "serial" } });
    const { url } = (json as { remote_console: { url: string } }).remote_console;
    return url.replace(/(?<=token=)[\w.-]+/, "TOK");
  };

  assert.equal(await urlWith("ws://127.0.0.1:6083/"), "ws://127.0.0.1:6083/?token=TOK");
  assert.equal(await urlWith("wss://h/serial/?cloud=a"), "wss://h/serial/?cloud=a&token=TOK");
  for (const bad of ["h:6083", "https://h/", "ws://u:p@h/", "ws://h/#x"])
    await assert.rejects(services.settings.set(admin, "serialproxy_base_url", bad), {
      code: "request_invalid",
    });
  for (const bad of ["h:6090", "ws://h/", "javascript:alert(1)", "http://:p@h/", "http://h/#x"])
    await assert.rejects(services.settings.set(admin, "webmks_proxy_base_url", bad), {
      code: "request_invalid",
    });
});

test("a page of the operator's own takes the ticket at the end of its path", async () => {
  const { api, path } = await world();
  await using _ = api;
  const { admin, services } = api.control;
  const urlWith = async (base: string) => {
    await services.settings.set(admin, "novncproxy_base_url", base);
    const { json } = await ask(api, path, NOVNC);
    const { url } = (json as { remote_console: { url: string } }).remote_console;
    return url.replace(/(?<=token%3D)[\w.-]+/, "TOK");
  };

  assert.equal(
    await urlWith("http://h:6080/vnc_lite.html"),
    "http://h:6080/vnc_lite.html?path=%3Ftoken%3DTOK",
  );
  assert.equal(
    await urlWith("https://h/novnc/vnc_lite.html?path=novnc"),
    "https://h/novnc/vnc_lite.html?path=novnc%3Ftoken%3DTOK",
  );
  assert.equal(
    await urlWith("https://h/v.html?autoconnect=true&path=a/b"),
    "https://h/v.html?autoconnect=true&path=a%2Fb%3Ftoken%3DTOK",
  );
  assert.equal(
    await urlWith("https://h/v.html?path=a%3Fcloud%3Db"),
    "https://h/v.html?path=a%3Fcloud%3Db%26token%3DTOK",
  );
  for (const bad of ["vnc.html", "javascript:alert(1)", "http://u:p@h/", "http://h/#x"])
    await assert.rejects(services.settings.set(admin, "novncproxy_base_url", bad), {
      code: "request_invalid",
    });
});
