import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Account, NewApiKey, Project } from "#wire/api.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import {
  type Credentials,
  lackingCloudStackClients,
  type Outcome,
  runCs,
  runLibcloud,
} from "./cloudstack-clients.ts";

interface Endpoint {
  readonly success: boolean;
  readonly details?: string;
  readonly url?: string;
  readonly websocket?: { readonly token: string; readonly extra?: string };
}

/** What Java, Python and ECMAScript leave as it is, each differently. */
const AWKWARD = "a b[c]~*'()!+/=&ü";

describe("CloudStack's clients, as Debian has them", { skip: lackingCloudStackClients }, () => {
  let porthole: Porthole;
  let machine: string;
  let member: Credentials;
  let foreign: string;
  before(async () => {
    porthole = await startPorthole();
    const { api, control } = porthole;
    const theirs: Project = await api.call("POST", "projects", { name: "theirs" });
    const address = "127.0.0.1:5900";
    foreign = (await api.addMachine({ name: "foreign", protocol: "rfb", address })).id;
    machine = (await api.addMachine({ name: "db-1", protocol: "rfb", address, project: theirs.id })).id;
    const account: Account = await api.call("POST", "accounts", {
      name: "customer",
      role: "member",
      projects: [theirs.id],
    });
    const keys: NewApiKey = await api.call("POST", `accounts/${account.id}/api-keys`, {});
    member = { control, ...keys };
  });
  after(async () => await porthole[Symbol.asyncDispose]());

  function opened(endpoint: Endpoint | undefined, outcome: Outcome): Endpoint {
    assert.equal(endpoint?.success, true, JSON.stringify(outcome));
    assert.match(endpoint.url ?? "", /^http:\/\/127\.0\.0\.1:\d+\/p\/.+#token=/);
    return endpoint;
  }

  describe("cs", () => {
    const ask = async (...args: string[]) => await runCs(member, args);
    const endpointOf = ({ json }: Outcome) =>
      (json as { readonly consoleendpoint?: Endpoint }).consoleendpoint;

    for (const [how, environment] of [
      ["by GET", {}],
      ["by POST", { CLOUDSTACK_METHOD: "post" }],
      ["without an expiry", { CLOUDSTACK_EXPIRATION: "-1" }],
    ] as const)
      test(`opens a console ${how}`, async () => {
        const outcome = await runCs(
          member,
          ["createConsoleEndpoint", `virtualmachineid=${machine}`],
          environment,
        );

        opened(endpointOf(outcome), outcome);
      });

    test("has its extra token given back, whatever its characters", async () => {
      const outcome = await ask("createConsoleEndpoint", `virtualmachineid=${machine}`, `token=${AWKWARD}`);

      assert.equal(opened(endpointOf(outcome), outcome).websocket?.extra, AWKWARD);
    });

    test("is denied another's machine, and finds but its own", async () => {
      const denied = endpointOf(await ask("createConsoleEndpoint", `virtualmachineid=${foreign}`));
      const { json } = await ask("listVirtualMachines", "listall=true");

      assert.deepEqual([denied?.success, denied?.details], [false, "Permission denied"]);
      const { count, virtualmachine } = json as { count: number; virtualmachine: { id: string }[] };
      assert.deepEqual([count, virtualmachine.map(({ id }) => id)], [1, [machine]]);
    });

    test("lists sessions, asks for capabilities, and reads and writes settings as an administrator", async () => {
      const admin = async (...args: string[]) => (await runCs(porthole, args)).json;
      await ask("createConsoleEndpoint", `virtualmachineid=${machine}`);

      const sessions = await ask("listConsoleSessions", "activeonly=false");
      const { capability } = (await admin("listCapabilities")) as {
        capability: { cloudstackversion: string };
      };
      const name = "consoleproxy.extra.security.validation.enabled";
      const changed = (await admin("updateConfiguration", `name=${name}`, "value=false")) as {
        configuration: { value: string };
      };
      const { configuration } = (await admin("listConfigurations", `name=${name}`)) as {
        configuration: readonly { name: string }[];
      };

      assert.ok((sessions.json as { count: number }).count >= 1);
      assert.match(capability.cloudstackversion, /^4\./);
      assert.equal(changed.configuration.value, "false");
      assert.deepEqual(
        configuration.map((each) => each.name),
        [name],
      );
      const refused = await ask("listConfigurations");
      assert.notEqual(refused.status, 0);
      assert.match(`${refused.stderr}${JSON.stringify(refused.json)}`, /not available for user/);
    });

    test("is told of a wrong secret and of a machine that there is not", async () => {
      const wrong = await runCs({ ...member, secretKey: "wrong" }, ["listVirtualMachines"]);
      const nothing = await ask("createConsoleEndpoint", "virtualmachineid=nothing");

      assert.notEqual(wrong.status, 0);
      assert.match(`${wrong.stderr}${JSON.stringify(wrong.json)}`, /unable to verify user credentials/);
      assert.notEqual(nothing.status, 0);
      assert.match(`${nothing.stderr}${JSON.stringify(nothing.json)}`, /entity does not exist/);
    });
  });

  describe("libcloud", () => {
    const call = (parameters: string) =>
      `answer = driver._sync_request(command='createConsoleEndpoint', params=${parameters})`;
    const endpointOf = ({ json }: Outcome) =>
      (json as { readonly consoleendpoint?: Endpoint }).consoleendpoint;

    test("opens a console, with an extra token in characters that it signs in its own way", async () => {
      const outcome = await runLibcloud(member, [
        call(`{'virtualmachineid': '${machine}', 'token': ${JSON.stringify(AWKWARD)}}`),
      ]);

      assert.equal(opened(endpointOf(outcome), outcome).websocket?.extra, AWKWARD);
    });

    test("lists its machines, for which it asks for addresses and forwardings as well", async () => {
      const { json } = await runLibcloud(member, [
        "answer = [[node.id, node.name, str(node.state)] for node in driver.list_nodes()]",
      ]);

      assert.deepEqual(json, [[machine, "db-1", "running"]]);
    });

    test("is denied another's machine, and knows a wrong secret for what it is", async () => {
      const denied = endpointOf(await runLibcloud(member, [call(`{'virtualmachineid': '${foreign}'}`)]));
      const { json } = await runLibcloud({ ...member, secretKey: "wrong" }, [
        "try:",
        `    ${call(`{'virtualmachineid': '${machine}'}`)}`,
        "except InvalidCredsError as error:",
        "    answer = str(error)",
      ]);

      assert.deepEqual([denied?.success, denied?.details], [false, "Permission denied"]);
      assert.equal(json, "'Invalid provider credentials'");
    });
  });
});
