import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Machine } from "#wire/api.ts";
import { eventually } from "../harness/eventually.ts";
import { TestViewer, webSocketUrl } from "../harness/test-viewer.ts";
import { lackingNovaClients, type Outcome, runNova, runOpenStack, runPython } from "./nova-clients.ts";
import { addVcenter, type NovaWorld, startNovaWorld, waysOf } from "./nova-world.ts";
import { lackingQemu, type Qemu, startQemu } from "./qemu.ts";
import { ACCOUNT, lackingVcsim, startVcsim } from "./vcsim.ts";
import { startVsphereFront, type VsphereFront } from "./vsphere-front.ts";

const skip = lackingNovaClients || lackingVcsim || lackingQemu;

/** Of what the clients print where a console opens. */
const OPENED = {
  novnc: /http:\/\/127\.0\.0\.1:\d+\/p\/[\w-]+\/console\.html\?path=%3Ftoken%3D[\w.-]+/,
  serial: /ws:\/\/127\.0\.0\.1:\d+\/websockify\/\?token=[\w.-]+/,
  webmks: /http:\/\/127\.0\.0\.1:6090\/\?token=[\w.-]+/,
} as const;

const SAID = {
  unavailable: (type: string) => new RegExp(`Unavailable console type ${type}\\.`),
  wrong: (type: string) => new RegExp(`Invalid console type ${type}`),
  refused:
    /The server could not comply with the request since it is either malformed or otherwise incorrect\./,
  strange: /The request you have made requires authentication\./,
} as const;

type Way = keyof ReturnType<typeof waysOf>;
type Server = "line" | "vmware" | "stopped" | "foreign";
type Row = readonly [
  client: "openstack" | "nova",
  way: Way,
  command: readonly string[],
  server: Server,
  seen: RegExp,
];

const os = (way: Way, flag: string, server: Server, seen: RegExp): Row => [
  "openstack",
  way,
  ["console", "url", "show", flag],
  server,
  seen,
];
const nova = (way: Way, command: readonly string[], server: Server, seen: RegExp): Row => [
  "nova",
  way,
  command,
  server,
  seen,
];
const OLDEST = "--os-compute-api-version=2.1";

/** What the clients that Debian has ask for, and what they show of the answer: docs/api/nova.md is held to it. */
const ROWS: readonly Row[] = [
  os("token", "--novnc", "line", OPENED.novnc),
  os("token", "--serial", "line", OPENED.serial),
  os("token", "--mks", "vmware", OPENED.webmks),
  os("token", "--novnc", "vmware", OPENED.novnc),
  os("token", "--mks", "line", SAID.unavailable("webmks")),
  os("token", "--serial", "vmware", SAID.unavailable("serial")),
  os("token", "--spice", "line", SAID.unavailable("spice-html5")),
  os("token", "--rdp", "line", SAID.refused),
  os("token", "--xvpvnc", "line", SAID.wrong("xvpvnc")),
  os("token", "--novnc", "stopped", /409: .*is not ready/),
  os("token", "--serial", "stopped", /409: .*is not ready/),
  os("token", "--serial", "foreign", /No Server found/),
  os("none", "--novnc", "line", SAID.strange),
  os("none", "--serial", "line", SAID.strange),
  os("password", "--novnc", "line", OPENED.novnc),
  os("password", "--serial", "line", OPENED.serial),
  os("password", "--mks", "vmware", OPENED.webmks),
  os("v3password", "--serial", "line", OPENED.serial),
  os("v3token", "--serial", "line", OPENED.serial),
  os("credential", "--serial", "line", OPENED.serial),
  nova("password", ["get-vnc-console", "novnc"], "line", OPENED.novnc),
  nova("password", ["get-serial-console"], "line", OPENED.serial),
  nova("password", ["get-mks-console"], "vmware", OPENED.webmks),
  nova("password", ["get-mks-console"], "line", SAID.unavailable("webmks")),
  nova("password", ["get-serial-console"], "vmware", SAID.unavailable("serial")),
  nova("password", ["get-spice-console", "spice-html5"], "line", SAID.unavailable("spice-html5")),
  nova("password", ["get-rdp-console", "rdp-html5"], "line", SAID.refused),
  nova("password", ["get-vnc-console", "xvpvnc"], "line", SAID.wrong("xvpvnc")),
  nova("password", ["get-serial-console"], "stopped", /is not ready \(HTTP 409\)/),
  nova("password", ["get-serial-console"], "foreign", /No server with a name or ID/),
  nova("password", [OLDEST, "get-vnc-console", "novnc"], "line", OPENED.novnc),
  nova("password", [OLDEST, "get-serial-console"], "line", OPENED.serial),
  nova("password", [OLDEST, "get-spice-console", "spice-html5"], "line", SAID.unavailable("spice-html5")),
  nova("password", [OLDEST, "get-rdp-console", "rdp-html5"], "line", SAID.refused),
  nova("override", ["get-vnc-console", "novnc"], "line", OPENED.novnc),
  nova("override", ["get-serial-console"], "line", OPENED.serial),
  nova("override", ["get-mks-console"], "vmware", OPENED.webmks),
];

describe("each client of Debian's, with each of its command lines for consoles", { skip }, () => {
  const opened = new AsyncDisposableStack();
  let world: NovaWorld;
  let qemu: Qemu<"screen">;
  let front: VsphereFront;
  let authority: string;
  let vmware: Machine;
  let servers: Readonly<Record<Server, string>>;
  before(async () => {
    qemu = opened.use(await startQemu({ screen: {} }));
    const vcsim = opened.use(await startVcsim({ screen: { host: qemu.host, port: qemu.ports.screen } }));
    authority = vcsim.authority.pem;
    front = opened.use(await startVsphereFront(vcsim));
    world = opened.use(await startNovaWorld());
    vmware = await addVcenter(world, {
      ...{ address: front.address, ...ACCOUNT, caCertificate: authority },
    });
    const { api, projectId: project } = world;
    const both = { protocol: "rfb", address: "127.0.0.1:5900", serialAddress: "127.0.0.1:4001" } as const;
    const line = (await api.addMachine({ ...both, name: "line", project })).id;
    const stopped = (await api.addMachine({ ...both, name: "stopped", project })).id;
    await api.call("PATCH", `machines/${stopped}`, { state: "stopped" });
    const foreign = (await api.addMachine({ ...both, name: "foreign" })).id;
    servers = { line, vmware: vmware.id, stopped, foreign };
  });
  after(async () => await opened.disposeAsync());

  async function run([client, way, command, server]: Row): Promise<Outcome> {
    const known = [...waysOf(world)[way]];
    if (client === "openstack") return await runOpenStack([...known, ...command, servers[server]]);
    const options = command.filter((word) => word.startsWith("--"));
    const [call = "", ...type] = command.filter((word) => !word.startsWith("--"));
    return await runNova([...options, ...known, call, servers[server], ...type]);
  }

  const isOpened = (seen: RegExp) => (Object.values(OPENED) as readonly RegExp[]).includes(seen);

  for (const row of ROWS) {
    const [client, way, command, server, seen] = row;
    test(`${client} (${way}) ${command.join(" ")}: ${server}`, async () => {
      const outcome = await run(row);

      assert.equal(outcome.status === 0, isOpened(seen), JSON.stringify(outcome));
      assert.match(isOpened(seen) ? outcome.stdout : outcome.stderr, seen);
      for (const secret of [...front.secrets, ACCOUNT.secret])
        assert.ok(!`${outcome.stdout}${outcome.stderr}`.includes(secret), "nobody is told vSphere's secrets");
    });
  }

  test("openstacksdk opens all that there is, and needs no version in its endpoint", async () => {
    const { json, stderr } = await runPython(
      [
        "from openstack import connection",
        "connect = lambda endpoint: connection.Connection(auth_type='admin_token',",
        "    auth=dict(endpoint=endpoint, token=os.environ['TOKEN'])).compute",
        "answer = [connect(endpoint).create_console(os.environ[server], console_type=kind)['url']",
        "    for endpoint in os.environ['ENDPOINTS'].split()",
        "    for server, kind in (('LINE', 'novnc'), ('LINE', 'serial'), ('VMWARE', 'webmks'))]",
      ],
      {
        ...{ LINE: servers.line, VMWARE: servers.vmware, TOKEN: waysOf(world).token.at(-1) ?? "" },
        ENDPOINTS: [
          world.nova,
          world.nova.replace("/v2.1", ""),
          `${world.control}/compute/v2.1`,
          `${world.control}/compute`,
        ].join(" "),
      },
    );

    const urls = json as readonly string[];
    assert.equal(urls.length, 12, stderr);
    const expected = [OPENED.novnc, OPENED.serial, OPENED.webmks];
    for (const [index, url] of urls.entries()) assert.match(url, expected[index % 3] ?? /^$/);
  });

  test("a console of VMware's opens where the operator has said that a node is, once", async () => {
    const { api } = world;
    const { json } = await runOpenStack([
      ...waysOf(world).token,
      ...["console", "url", "show", "-f", "json", "--mks", vmware.id],
    ]);
    const { url } = json as { readonly url: string };
    // What stands at that address by default is none of ours here: the node of this installation has another port.
    const { search } = new URL(url);

    await using viewer = await TestViewer.connect(`${webSocketUrl(world.node)}/${search}`);

    await eventually(() => assert.equal(viewer.bytes.toString("latin1"), "RFB 003.008\n"));
    await api.call("PUT", "settings/webmks_proxy_base_url", { value: `${world.node}/` });
    const again = await runOpenStack([
      ...waysOf(world).token,
      ...["console", "url", "show", "-f", "json", "--mks", vmware.id],
    ]);
    await api.call("PUT", "settings/webmks_proxy_base_url", { value: "http://127.0.0.1:6090/" });
    const own = (again.json as { readonly url: string }).url;
    assert.ok(own.startsWith(`${world.node}/?token=`), own);
    const page = await fetch(own, { redirect: "manual" });
    assert.equal(page.status, 302);
    assert.match(page.headers.get("location") ?? "", /^p\/-\/console\.html#token=[\w.-]+$/);
    assert.equal((await fetch(own)).status, 200);
  });

  test("where a console of VMware's leads is told to administrators, as JSON, and is what opens it", async () => {
    const { nova: endpoint, novaToken: admin } = world;
    const bare = await fetch(`${endpoint}/servers/${vmware.id}/console`, {
      method: "POST",
      headers: { "x-auth-token": waysOf(world).token.at(-1) ?? "" },
      body: JSON.stringify({ protocol: "mks", type: "webmks" }),
    });
    const text = await bare.text();
    const { protocol, url } = JSON.parse(text) as Readonly<Record<string, string>>;
    assert.deepEqual([bare.status, protocol], [200, "mks"]);
    assert.match(url ?? "", OPENED.webmks);
    const ticket = new URL(url ?? "").searchParams.get("token") ?? "";
    const show = async (token: string) =>
      await fetch(`${endpoint}/os-console-auth-tokens/${ticket}`, {
        headers: { "x-auth-token": token, "openstack-api-version": "compute 2.31" },
      });

    assert.equal((await show(waysOf(world).token.at(-1) ?? "")).status, 403);
    const shown = (await (await show(admin)).json()) as {
      readonly console: { instance_uuid: string; host: string; port: number; internal_access_path: string };
    };

    const { instance_uuid: uuid, host, port, internal_access_path: path } = shown.console;
    assert.equal(uuid, vmware.id);
    const access = JSON.parse(path) as Readonly<Record<string, string>>;
    assert.deepEqual(Object.keys(access), ["ticket", "thumbprint", "path"]);
    assert.match(access["thumbprint"] ?? "", /^([0-9A-F]{2}:)+[0-9A-F]{2}$/);
    assert.equal(access["path"], `/ticket/${access["ticket"]}`);
    assert.ok(front.secrets.has(access["ticket"] ?? ""), "it is vSphere's own");
    assert.ok(!text.includes(access["ticket"] ?? ""), "the customer is not told it");
    await using direct = await TestViewer.connect(`wss://${host}:${port}${access["path"]}`, {
      ...{ protocols: ["binary"], ca: authority },
    });
    await eventually(() => assert.equal(direct.bytes.toString("latin1"), "RFB 003.008\n"));
  });
});
