import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { LOOPBACK } from "../../../test/harness/free-port.ts";
import { testCertificate } from "../../../test/harness/test-certificates.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { VsphereClient } from "./client.ts";
import { listMachines } from "./machines.ts";
import { followMachines } from "./updates.ts";

const { signal } = new AbortController();
const COOKIE = 'vmware_soap_session="52c1d1"; Path=/; HttpOnly; Secure;';

const inBody = (body: string) =>
  `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`;
const answered = (method: string, value = "") => inBody(`<${method}Response>${value}</${method}Response>`);

const OBJECTS = ["rootFolder", "propertyCollector", "viewManager", "searchIndex", "sessionManager", "setting"]
  .map((name) => `<${name} type="X">${name}</${name}>`)
  .join("");
const CONTENT = answered(
  "RetrieveServiceContent",
  `<returnval>${OBJECTS}<about><apiVersion>8.0.2.0</apiVersion><apiType>VirtualCenter</apiType></about></returnval>`,
);
const VERSIONS =
  '<namespaces version="1.0"><namespace><name>urn:vim25</name><version>8.0.2.0</version></namespace></namespaces>';

type Says = string | ((answer: ServerResponse, asked: string) => void);

/** A vCenter that says what it is told to say, and at first what a good one says. */
async function startLiar(lies: Readonly<Record<string, Says>> = {}) {
  const authority = await testCertificate();
  const { pem, keyPem } = await testCertificate({ names: [LOOPBACK], issuer: authority });
  const said: Record<string, Says> = {
    "/sdk/vimServiceVersions.xml": VERSIONS,
    RetrieveServiceContent: CONTENT,
    Login: (answer) => answer.setHeader("set-cookie", COOKIE).end(answered("Login")),
    CreateContainerView: answered("CreateContainerView", '<returnval type="ContainerView">v</returnval>'),
    ...lies,
  };
  const calls: string[] = [];
  const server = createServer({ cert: pem, key: keyPem }, async (asked, answer) => {
    const chunks: Buffer[] = [];
    for await (const chunk of asked as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString("utf8");
    const method = /<soapenv:Body><(\w+)/.exec(body)?.[1] ?? asked.url ?? "";
    calls.push(method);
    const says = said[method] ?? answered(method);
    if (typeof says === "string") answer.end(says);
    else says(answer, body);
  });
  await once(server.listen(0, LOOPBACK), "listening");
  const { port } = server.address() as AddressInfo;
  const client = new VsphereClient({
    endpoint: { host: LOOPBACK, port },
    trust: { caCertificate: authority.pem },
    username: "ute",
    secret: new Secret("geheim"),
  });
  return {
    client,
    calls,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HypervisorError, String(error));
  assert.doesNotMatch(error.message, /geheim|52c1d1/);
  return `${error.step}: ${error.message}`;
}

test("whoever is no vCenter is told no password, and what he says is told in our words", async () => {
  const strangers: Readonly<Record<string, Record<string, Says>>> = {
    "a page": { "/sdk/vimServiceVersions.xml": "<!doctype html><title>It works</title>" },
    "no versions": { "/sdk/vimServiceVersions.xml": "<namespaces/>" },
    "a version that is none": { "/sdk/vimServiceVersions.xml": VERSIONS.replace("8.0.2.0", "8\r\nx: y") },
    "another place": {
      "/sdk/vimServiceVersions.xml": (answer) =>
        answer.writeHead(302, { location: "https://elsewhere.example/" }).end(),
    },
    "nothing of itself": { RetrieveServiceContent: answered("RetrieveServiceContent") },
    "an error": { RetrieveServiceContent: (answer) => answer.writeHead(503).end("<html/>") },
    "an end in the middle": {
      RetrieveServiceContent: (answer) => answer.write("<a>", () => answer.destroy()),
    },
    "more than anybody reads": {
      RetrieveServiceContent: (answer) => answer.end(Buffer.alloc(33 * 1024 * 1024, 0x20)),
    },
  };
  for (const [title, lies] of Object.entries(strangers)) {
    await using liar = await startLiar(lies);

    assert.match(await failure(liar.client.about(signal)), /^answer: /, title);

    assert.ok(!liar.calls.includes("Login"), title);
  }
});

test("a session that is none is no session", async () => {
  for (const cookie of [
    undefined,
    "other=1",
    "vmware_soap_session=a b",
    `vmware_soap_session=${"x".repeat(600)}`,
  ]) {
    await using liar = await startLiar({
      Login: (answer) => {
        if (cookie !== undefined) answer.setHeader("set-cookie", cookie);
        answer.end(answered("Login"));
      },
    });

    assert.match(await failure(liar.client.about(signal)), /^answer: .*gives no session/);
  }
});

const fault = (name: string) =>
  inBody(
    `<soapenv:Fault><faultstring>no</faultstring><detail><${name}Fault xmlns="urn:vim25" xsi:type="${name}"/></detail></soapenv:Fault>`,
  );

test("an account that is refused is tried once; where nobody can judge it, it is tried again", async () => {
  for (const [name, step, logins] of [
    ["InvalidLogin", "credentials", 1],
    ["NoPermission", "credentials", 1],
    ["PasswordExpired", "credentials", 1],
    ["SystemError", "answer", 3],
  ] as const) {
    await using liar = await startLiar({ Login: fault(name) });

    for (let time = 0; time < 3; time++)
      assert.match(await failure(liar.client.about(signal)), new RegExp(`^${step}: .*${name}`));

    assert.equal(liar.calls.filter((call) => call === "Login").length, logins, name);
  }
});

test("a password that was changed there is shown once where sessions do not count, and sessions go on", async () => {
  const path = "/screen?id=vm-1";
  await using liar = await startLiar({ [path]: (answer) => answer.writeHead(401).end() });
  await liar.client.about(signal);

  for (let time = 0; time < 3; time++)
    assert.match(await failure(liar.client.fetch(path, signal)), /^credentials: .* any more/);

  assert.equal(liar.calls.filter((call) => call === path).length, 1);
  assert.equal((await liar.client.about(signal)).apiVersion, "8.0.2.0");
});

const machine = (index: number) =>
  `<objects><obj type="VirtualMachine">vm-${index}</obj>${[
    ["name", `web%2f${index}`],
    ["config.instanceUuid", `500000${String(index).padStart(2, "0")}-0000-4000-8000-000000000000`],
    ["config.template", "false"],
    ["runtime.powerState", "poweredOn"],
  ]
    .map(
      ([name, value]) => `<propSet><name>${name}</name><val xsi:type="xsd:string">${value}</val></propSet>`,
    )
    .join("")}</objects>`;

test("a list comes page by page, and its pages are as many as it says", async () => {
  await using liar = await startLiar({
    RetrievePropertiesEx: answered(
      "RetrievePropertiesEx",
      `<returnval><token>1</token>${machine(0)}</returnval>`,
    ),
    ContinueRetrievePropertiesEx: (answer, asked) => {
      const page = Number(/<token>(\d+)/.exec(asked)?.[1]);
      const token = page < 3 ? `<token>${page + 1}</token>` : "";
      answer.end(answered("ContinueRetrievePropertiesEx", `<returnval>${token}${machine(page)}</returnval>`));
    },
  });

  const machines = await listMachines(liar.client, signal);

  assert.deepEqual(
    machines.map(({ known }) => known.name),
    ["web/0", "web/1", "web/2", "web/3"],
  );
  assert.equal(liar.calls.at(-1), "DestroyView");
});

test("a list without end ends, and so does one in which two cannot be told apart", async () => {
  const page = `<returnval><token>1</token>${machine(0)}</returnval>`;
  await using endless = await startLiar({
    RetrievePropertiesEx: answered("RetrievePropertiesEx", page),
    ContinueRetrievePropertiesEx: answered("ContinueRetrievePropertiesEx", page),
  });
  const both = `<returnval>${machine(1)}${machine(1)}</returnval>`;
  await using twins = await startLiar({ RetrievePropertiesEx: answered("RetrievePropertiesEx", both) });

  assert.match(await failure(listMachines(endless.client, signal)), /has no end$/);
  assert.match(await failure(listMachines(twins.client, signal)), /have one instance UUID/);
});

test("what a machine lacks leaves it out, and nothing else with it", async () => {
  const broken = machine(2).replace("poweredOn", "burning");
  const nameless = machine(3).replace("config.instanceUuid", "config.uuid");
  const said = `<returnval>${machine(1)}${broken}${nameless}<objects/></returnval>`;
  await using liar = await startLiar({ RetrievePropertiesEx: answered("RetrievePropertiesEx", said) });

  const machines = await listMachines(liar.client, signal);

  assert.deepEqual(
    machines.map(({ object }) => object.id),
    ["vm-1"],
  );
});

/** What there is, once; and then no more. */
const toFollowers =
  (first: string): Says =>
  (answer, asked) =>
    answer.end(
      asked.includes("<version></version>") ? answered("WaitForUpdatesEx", first) : fault("SystemError"),
    );

test("what was made for whoever follows is put away where he cannot follow, or follows no more", async () => {
  const first = "<returnval><version>1</version></returnval>";
  for (const [failing, how, tidied] of [
    ["CreateContainerView", fault("SystemError"), ["DestroyPropertyCollector"]],
    ["CreateFilter", fault("SystemError"), ["DestroyPropertyCollector", "DestroyView"]],
    ["WaitForUpdatesEx", fault("SystemError"), ["DestroyPropertyCollector", "DestroyView"]],
    ["WaitForUpdatesEx", toFollowers(first), ["DestroyPropertyCollector", "DestroyView"]],
  ] as const) {
    const collector = '<returnval type="PropertyCollector">c</returnval>';
    await using liar = await startLiar({
      CreatePropertyCollector: answered("CreatePropertyCollector", collector),
      [failing]: how,
    });

    const followed = followMachines(liar.client, () => {}, signal);
    if (typeof how === "string") await assert.rejects(followed, /SystemError/);
    else assert.match(String(await (await followed).ended), /SystemError/);

    assert.deepEqual(
      liar.calls.filter((call) => call.startsWith("Destroy")),
      tidied,
      failing,
    );
  }
});

test("who closes it signs out", async () => {
  const liar = await startLiar();
  await liar.client.about(signal);

  await liar[Symbol.asyncDispose]();

  assert.equal(liar.calls.at(-1), "Logout");
});
