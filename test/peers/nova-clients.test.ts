import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Account, NewApiKey, Project } from "#wire/api.ts";
import { novaToken } from "../harness/nova.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { lackingNovaClients, type Outcome, runNova, runOpenStack, runPython } from "./nova-clients.ts";

const NOVNC_URL = /^http:\/\/127\.0\.0\.1:\d+\/p\/[^/]+\/console\.html\?path=%3Ftoken%3D[\w.-]+$/;

/** What the ready line has beside the rest, with `--nova`. */
interface OpenStack {
  readonly nova: string;
  readonly identity: string;
  readonly novaToken: string;
}

describe("Nova's clients, as Debian has them, with an API key as their token", {
  skip: lackingNovaClients,
}, () => {
  let porthole: Porthole & OpenStack;
  let machine: string;
  let foreign: string;
  let stopped: string;
  let member: string;
  before(async () => {
    porthole = (await startPorthole({ args: ["--nova", "127.0.0.1:0"] })) as Porthole & OpenStack;
    const { api } = porthole;
    const theirs: Project = await api.call("POST", "projects", { name: "theirs" });
    const address = "127.0.0.1:5900";
    foreign = (await api.addMachine({ name: "foreign", protocol: "rfb", address })).id;
    machine = (await api.addMachine({ name: "db-1", protocol: "rfb", address, project: theirs.id })).id;
    stopped = (await api.addMachine({ name: "off", protocol: "rfb", address, project: theirs.id })).id;
    await api.call("PATCH", `machines/${stopped}`, { state: "stopped" });
    const account: Account = await api.call("POST", "accounts", {
      name: "customer",
      role: "member",
      projects: [theirs.id],
    });
    member = novaToken(await api.call<NewApiKey>("POST", `accounts/${account.id}/api-keys`, {}));
  });
  after(async () => await porthole[Symbol.asyncDispose]());

  const openStack = async (token: string, ...args: readonly string[]) =>
    await runOpenStack([
      ...["--os-auth-type", "admin_token", "--os-endpoint", porthole.nova, "--os-token", token],
      ...args,
    ]);

  function opened(outcome: Outcome): void {
    const { protocol, type, url } = outcome.json as Readonly<Record<string, string>>;
    assert.deepEqual([protocol, type], ["vnc", "novnc"], JSON.stringify(outcome));
    assert.match(url ?? "", NOVNC_URL);
  }

  test("openstack opens a console by id and by name", async () => {
    const show = ["console", "url", "show", "-f", "json", "--novnc"];

    opened(await openStack(porthole.novaToken, ...show, machine));
    opened(await openStack(member, ...show, "db-1"));
  });

  test("openstack takes its cloud from a file, and the main listener's path as its endpoint", async () => {
    await using folder = scratch();
    const file = join(folder.path, "clouds.yaml");
    const auth = { endpoint: `${porthole.control}/compute/v2.1`, token: member };
    writeFileSync(file, JSON.stringify({ clouds: { gw: { auth_type: "admin_token", auth } } }));

    const args = ["--os-cloud", "gw", "console", "url", "show", "-f", "json", "--novnc", machine];
    opened(await runOpenStack(args, { OS_CLIENT_CONFIG_FILE: file }));
  });

  test("openstack that brings no token is refused, and lets itself in where everybody on this machine may", async () => {
    await using open = (await startPorthole({ args: ["--nova", "127.0.0.1:0", "--nova-open"] })) as Porthole &
      OpenStack;
    const { id } = await open.api.addMachine({ name: "db-1", protocol: "rfb", address: "127.0.0.1:5900" });
    const [ours] = open.machines;
    const none = ["--os-auth-type", "none"];
    const show = ["console", "url", "show", "-f", "json", "--novnc"];

    const refused = await runOpenStack([...none, "--os-endpoint", porthole.nova, ...show, machine]);
    opened(await runOpenStack([...none, "--os-endpoint", open.nova, ...show, id]));
    opened(await runOpenStack([...show, ours?.id ?? ""], { OS_AUTH_TYPE: "none", OS_ENDPOINT: open.nova }));

    assert.match(refused.stderr, /401/);
    const asked = async (url: string, headers: Readonly<Record<string, string>>) =>
      (await fetch(`${url}/servers`, { headers })).status;
    assert.equal(await asked(open.nova, { "x-auth-token": "notused" }), 200);
    assert.equal(await asked(open.nova, {}), 401, "no page of some site can say that it has none");
    assert.equal(await asked(open.nova, { "x-auth-token": "wrong" }), 401);
    assert.equal(await asked(`${open.control}/compute/v2.1`, { "x-auth-token": "notused" }), 401);
  });

  test("openstack is told in Nova's words what this version has not", async () => {
    const said: Readonly<Record<string, RegExp>> = {
      "--spice": /400: .*Unavailable console type spice-html5\./,
      "--mks": /400: .*Unavailable console type webmks\./,
      "--rdp": /400: .*The server could not comply with the request/,
      "--xvpvnc": /400: .*Invalid console type xvpvnc/,
    };

    for (const [flag, sentence] of Object.entries(said)) {
      const { status, stderr } = await openStack(member, "console", "url", "show", flag, machine);
      assert.notEqual(status, 0, flag);
      assert.match(stderr, sentence);
    }
  });

  test("openstack lists and shows servers, as far as there is anything to show", async () => {
    const list = await openStack(member, "server", "list", "-f", "json");
    const shown = await openStack(member, "server", "show", machine, "-f", "json");

    const servers = list.json as readonly Readonly<Record<string, string>>[];
    assert.deepEqual(
      servers.map((server) => [server["Name"], server["Status"]]),
      [
        ["db-1", "ACTIVE"],
        ["off", "SHUTOFF"],
      ],
      JSON.stringify(list),
    );
    assert.equal((shown.json as Readonly<Record<string, string>>)["name"], "db-1", JSON.stringify(shown));
  });

  test("openstacksdk is told of each thing that is wrong by the exception that it has for it", async () => {
    const { json, stderr } = await runPython(
      [
        "from openstack import connection, exceptions",
        "connect = lambda token: connection.Connection(auth_type='admin_token',",
        "    auth=dict(endpoint=os.environ['ENDPOINT'], token=token))",
        "def tried(work):",
        "    try:",
        "        return work()",
        "    except exceptions.HttpException as error:",
        "        return [type(error).__name__, error.status_code, error.details]",
        "theirs, wrong = connect(os.environ['TOKEN']), connect('wrong')",
        "console = lambda cloud, server, kind: lambda: cloud.compute.create_console(server, console_type=kind)['type']",
        "answer = [tried(console(theirs, os.environ['MACHINE'], 'novnc')),",
        "    tried(console(theirs, os.environ['FOREIGN'], 'novnc')),",
        "    tried(console(theirs, os.environ['STOPPED'], 'novnc')),",
        "    tried(console(theirs, os.environ['MACHINE'], 'webmks')),",
        "    tried(console(wrong, os.environ['MACHINE'], 'novnc')),",
        "    [server.name for server in theirs.compute.servers(limit=1)]]",
      ],
      {
        ...{ ENDPOINT: porthole.nova, TOKEN: member },
        ...{ MACHINE: machine, FOREIGN: foreign, STOPPED: stopped },
      },
    );

    assert.deepEqual(
      json,
      [
        "novnc",
        ["ResourceNotFound", 404, `Instance ${foreign} could not be found.`],
        ["ConflictException", 409, `Instance ${stopped} is not ready`],
        ["BadRequestException", 400, "Unavailable console type webmks."],
        ["HttpException", 401, "The request you have made requires authentication."],
        ["db-1", "off"],
      ],
      stderr,
    );
  });

  describe("that sign in at the identity API", () => {
    let keys: NewApiKey;
    before(() => {
      const [apiKey = "", secretKey = ""] = member.split(":");
      keys = { apiKey, secretKey };
    });
    const byPassword = () => [
      ...["--os-auth-url", porthole.identity, "--os-username", "customer"],
      ...["--os-password", keys.secretKey, "--os-project-name", "theirs"],
      ...["--os-user-domain-id", "default", "--os-project-domain-id", "default"],
    ];
    const show = ["console", "url", "show", "-f", "json", "--novnc"];

    test("openstack comes by a name and a secret key, by an application credential, and by a token", async () => {
      opened(await runOpenStack([...byPassword(), ...show, machine]));
      const credential = [
        ...["--os-auth-type", "v3applicationcredential", "--os-auth-url", porthole.identity],
        ...["--os-application-credential-id", keys.apiKey],
        ...["--os-application-credential-secret", keys.secretKey],
      ];
      opened(await runOpenStack([...credential, ...show, "db-1"]));
      const { stdout } = await runOpenStack([...byPassword(), "token", "issue", "-f", "value", "-c", "id"]);
      const token = ["--os-auth-type", "v3token", "--os-auth-url", porthole.identity];
      opened(await runOpenStack([...token, "--os-token", stdout.trim(), ...show, machine]));
    });

    test("openstack lists servers without a word more, and finds that there are no images", async () => {
      const list = await runOpenStack([...byPassword(), "server", "list", "-f", "json"]);
      const images = await runOpenStack([...byPassword(), "image", "list", "-f", "json"]);
      const none = await runOpenStack([...byPassword(), "image", "show", "debian"]);

      assert.equal(list.status, 0, list.stderr);
      assert.deepEqual(
        (list.json as readonly { readonly Name: string }[]).map(({ Name }) => Name),
        ["db-1", "off"],
      );
      assert.deepEqual(images.json, [], images.stderr);
      assert.match(none.stderr, /No Image found for debian/);
    });

    test("openstack is told that a secret is wrong, and that a machine writes nothing down", async () => {
      const wrong = byPassword().map((word) => (word === keys.secretKey ? "wrong" : word));
      const refused = await runOpenStack([...wrong, ...show, machine]);
      const log = await runOpenStack([...byPassword(), "console", "log", "show", machine]);

      assert.notEqual(refused.status, 0);
      assert.match(refused.stderr, /The request you have made requires authentication\..*HTTP 401/);
      assert.match(log.stderr, /404: .*Guest does not have a console available\./);
    });

    test("nova opens a console by its newest microversion and by its oldest, and is told what there is not", async () => {
      const printed =
        /\| novnc \| http:\/\/127\.0\.0\.1:\d+\/p\/[^/]+\/console\.html\?path=%3Ftoken%3D[\w.-]+ \|/;
      const newest = await runNova([...byPassword(), "get-vnc-console", machine, "novnc"]);
      const oldest = await runNova([
        ...["--os-compute-api-version", "2.1", ...byPassword()],
        ...["get-vnc-console", "db-1", "novnc"],
      ]);
      const mks = await runNova([...byPassword(), "get-mks-console", machine]);

      for (const { stdout, stderr } of [newest, oldest]) assert.match(stdout, printed, stderr);
      assert.match(mks.stderr, /Unavailable console type webmks\. \(HTTP 400\)/);
    });
  });
});
