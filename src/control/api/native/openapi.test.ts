import assert from "node:assert/strict";
import { test } from "node:test";
import { Check, Errors } from "typebox/schema";
import { type Keys, type Reply, type Route, type TestApi, testApi } from "../../../../test/harness/api.ts";
import { commandHypervisor } from "../../../../test/harness/command-hypervisor.ts";
import { testCertificate } from "../../../../test/harness/test-certificates.ts";

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content?: {
          readonly "application/json"?: { readonly schema: object };
          readonly "application/x-ndjson"?: object;
          readonly "image/png"?: object;
        };
      }
    >
  >;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>;
    readonly securitySchemes: object;
  };
  readonly security: readonly object[];
}

async function documentOf(api: TestApi): Promise<Document> {
  const { status, json } = await api.call("GET", "/api/v1/openapi.json");
  assert.equal(status, 200);
  return json as Document;
}

function operationsOf({ paths }: Document) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

test("the document is OpenAPI 3.1, and every operation in it says what a client needs", async () => {
  await using api = await testApi();

  const document = await documentOf(api);

  assert.equal(document.openapi, "3.1.0");
  assert.deepEqual([document.info.title, document.info.version], ["Porthole", "1.2.3"]);
  assert.deepEqual(Object.keys(document.components.securitySchemes), ["apiKey", "session"]);
  assert.deepEqual(document.security, [{ apiKey: [] }, { session: [] }]);
  assert.deepEqual(
    Object.keys(document.components.schemas).sort(),
    "Account Acme ApiKey AuditRow Certificate Console DnsZone Error Hypervisor HypervisorTest JoinToken Keystone KeystoneTest Machine NewApiKey Node NodeAuthority Project PublicIpRange SelfCheck Session Setting SignInLink TicketKeyGeneration WaitingMachine".split(
      " ",
    ),
  );
  const operations = operationsOf(document);
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, operations.length, "operation ids are there, and differ");
  for (const { path, method, operation } of operations) {
    const name = `${method} ${path}`;
    assert.ok(operation.summary && operation.tags?.length === 1, name);
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
    assert.deepEqual(
      inPath.map((parameter) => parameter.name),
      named,
      name,
    );
    for (const [status, { description }] of Object.entries(operation.responses)) {
      assert.match(status, /^[2-5]\d\d$/, name);
      assert.notEqual(description, "Default Response", `${name} ${status}`);
    }
  }
  assert.doesNotMatch(JSON.stringify(document), /"\$ref":"(?!#\/components\/schemas\/)/);
});

test("every route of the API is in the document, and nothing else", async () => {
  const routes: Route[] = [];
  await using api = await testApi({ onRoute: (route) => routes.push(route) });

  const documented = operationsOf(await documentOf(api)).map(({ path, method }) => `${method} ${path}`);

  const served = routes
    .filter(({ url }) => url.startsWith("/api/"))
    .flatMap(({ methods, url }) => methods.map((method) => `${method} ${url.replace(/:(\w+)/g, "{$1}")}`));
  assert.ok(served.length > 20);
  assert.deepEqual(documented.sort(), served.sort());
});

/** Calls that are checked against the document: the operation, the status it declares, the body it promises. */
class Conformity {
  readonly #api: TestApi;
  readonly #document: Document;
  readonly #untried: Set<string>;

  constructor(api: TestApi, document: Document) {
    this.#api = api;
    this.#document = document;
    this.#untried = new Set(operationsOf(document).flatMap(({ operation }) => operation.operationId ?? []));
  }

  get untried(): readonly string[] {
    return [...this.#untried];
  }

  async call(
    id: string,
    call: {
      readonly path?: Record<string, string>;
      readonly query?: string;
      readonly body?: object;
      readonly as?: Keys;
    },
    expected: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const found = operationsOf(this.#document).find(({ operation }) => operation.operationId === id);
    assert.ok(found !== undefined, id);
    const path = found.path.replace(/\{(\w+)\}/g, (_all, name: string) =>
      encodeURIComponent(call.path?.[name] ?? ""),
    );
    const { as = this.#api.keys, body } = call;
    const reply = await this.#api.call(found.method, `${path}${call.query ?? ""}`, {
      ...(headers["cookie"] === undefined ? { as } : {}),
      ...(body === undefined ? {} : { body }),
      headers,
    });
    assert.equal(reply.status, expected, `${id}: ${reply.text}`);
    const response = found.operation.responses[String(expected)];
    assert.ok(response !== undefined, `${id} does not declare ${expected}`);
    const { "application/json": json, "application/x-ndjson": lines } = response.content ?? {};
    if (response.content?.["image/png"] !== undefined) assert.match(reply.text, /PNG/);
    else if (lines === undefined) this.#checkBody(`${id} ${expected}`, json?.schema, reply);
    else this.#checkLines(id, reply);
    if (expected < 300) this.#untried.delete(id);
    return reply;
  }

  /** Every line is a row, and the last one is whole. */
  #checkLines(name: string, { text }: Reply): void {
    const rows = text.split("\n");
    assert.equal(rows.pop(), "", name);
    const schema = { components: this.#document.components, $ref: "#/components/schemas/AuditRow" };
    for (const row of rows) assert.ok(Check(schema, JSON.parse(row)), row);
  }

  #checkBody(name: string, schema: object | undefined, { text, json }: Reply): void {
    if (schema === undefined) {
      assert.equal(text, "", name);
      return;
    }
    const rooted = { components: this.#document.components, ...schema };
    assert.ok(Check(rooted, json), `${name}: ${JSON.stringify(Errors(rooted, json))} ${text}`);
  }
}

function field(reply: Reply, name: string): string {
  return String((reply.json as Readonly<Record<string, unknown>>)[name]);
}

test("every operation answers what the document says, in success and in failure", async () => {
  await using api = await testApi();
  const document = await documentOf(api);
  const check = new Conformity(api, document);
  await api.control.node();
  const member = await api.member("member", []);
  const nowhere = { id: "3c1f0b9e-0000-4000-8000-000000000001" };

  await check.call("getApiDocument", {}, 200);

  const project = await check.call("addProject", { body: { name: "shop" } }, 201);
  await check.call("addProject", { body: { name: "shop" } }, 409);
  await check.call("addProject", { body: { name: "x" }, as: member }, 403);
  await check.call("listProjects", { query: "?limit=1" }, 200);

  const body = {
    name: "db",
    protocol: "rfb",
    address: "192.0.2.1:5900",
    password: "secret",
    project: "shop",
  };
  const machine = await check.call("addMachine", { body }, 201);
  await check.call("addMachine", { body: { ...body, protocol: "telnet" } }, 400);
  const path = { id: field(machine, "id") };
  await check.call("listMachines", { query: "?name=db&keyword=d" }, 200);
  await check.call("listMachines", { query: "?limit=501" }, 400);
  await check.call("getMachine", { path }, 200);
  await check.call("getMachine", { path, as: member }, 404);
  await check.call("updateMachine", { path, body: { password: null, state: "running" } }, 200);
  await check.call("updateMachine", { path: nowhere, body: { name: "x" } }, 404);
  await check.call("powerMachine", { path, body: { action: "start" } }, 409);
  const commanded = await commandHypervisor(api.control);
  const { headers } = await check.call("getScreenshot", { path: { id: commanded.machine.id } }, 200);
  assert.equal(headers.get("content-type"), "image/png");
  await check.call("getScreenshot", { path, as: member }, 404);
  await check.call("powerMachine", { path: { id: commanded.machine.id }, body: { action: "cut" } }, 202);
  await check.call("powerMachine", { path: { id: commanded.machine.id }, body: { action: "explode" } }, 400);
  await check.call("powerMachine", { path, as: member, body: { action: "start" } }, 404);
  await check.call("listWaitingMachines", { query: "?limit=1" }, 200);
  await check.call("listWaitingMachines", { as: member }, 403);
  await check.call("assignMachine", { path, body: { project: "shop" } }, 200);
  await check.call("assignMachine", { path: nowhere, body: { project: "shop" } }, 404);

  const opened = await check.call("openConsole", { path, body: { viewOnly: true, extra: "x" } }, 201);
  await check.call("openConsole", { path: nowhere, body: {} }, 404);
  await check.call("updateMachine", { path, body: { state: "stopped" } }, 200);
  await check.call("openConsole", { path, body: {} }, 409);
  await check.call("listSessions", { query: `?state=pending&machineId=${path.id}` }, 200);
  await check.call("getSession", { path: { id: field(opened, "sessionId") } }, 200);
  await check.call("getSession", { path: nowhere }, 404);
  await check.call("endSession", { path: { id: field(opened, "sessionId") } }, 200);
  await check.call("endSession", { path: nowhere }, 404);

  const account = await check.call(
    "addAccount",
    { body: { name: "eve", role: "member", projects: [field(project, "id")] } },
    201,
  );
  const accountPath = { id: field(account, "id") };
  await check.call("addAccount", { body: { name: "eve", role: "root" } }, 400);
  await check.call("listAccounts", {}, 200);
  await check.call("getAccount", { path: accountPath }, 200);
  await check.call("updateAccount", { path: accountPath, body: { disabled: true, projects: [] } }, 200);
  await check.call("updateAccount", { path: accountPath, body: {} }, 400);
  await check.call("updateAccount", { path: nowhere, body: { disabled: true } }, 404);
  await check.call("updateAccount", { path: accountPath, body: { disabled: true }, as: member }, 403);
  await check.call("getOwnAccount", { as: member }, 200);
  const keys = await check.call("addApiKey", { path: accountPath }, 201);
  await check.call("listApiKeys", { path: accountPath }, 200);
  await check.call("removeApiKey", { path: { ...accountPath, apiKey: field(keys, "apiKey") } }, 204);
  await check.call("removeApiKey", { path: { ...accountPath, apiKey: "none" } }, 404);
  await check.call("makeSignInLink", { path: accountPath }, 201);
  await check.call("makeSignInLink", { path: nowhere }, 404);
  await check.call("removeAccount", { path: accountPath }, 204);

  await check.call("listSettings", {}, 200);
  await check.call("listSettings", { as: member }, 403);
  await check.call("setSetting", { path: { name: "upstream.allow" }, body: { value: "192.0.2.0/24" } }, 200);
  await check.call("setSetting", { path: { name: "upstream.allow" }, body: { value: "nonsense" } }, 400);
  await check.call("setSetting", { path: { name: "no.such" }, body: { value: "1" } }, 404);
  await check.call("listNodes", {}, 200);
  await check.call("addJoinToken", { body: { uses: 1, expiresInSeconds: 60 } }, 201);

  const [{ id: nodeId = "" } = {}] = await api.control.services.nodes.list(api.control.admin);
  await check.call("getNode", { path: { id: nodeId } }, 200);
  await check.call("getNode", { path: nowhere }, 404);
  for (const operation of ["drainNode", "restartNode", "stopNode", "destroyNode"]) {
    await check.call(operation, { path: { id: nodeId }, body: { warn: true, deadlineSeconds: 60 } }, 200);
    await check.call(operation, { path: { id: nodeId }, body: { now: "yes" } }, 400);
    await check.call(operation, { path: { id: nodeId }, body: {}, as: member }, 403);
    await check.call(operation, { path: nowhere, body: {} }, 404);
    await check.call("startNode", { path: { id: nodeId } }, 200);
  }
  await check.call("startNode", { path: nowhere }, 404);
  await check.call("removeNode", { path: { id: nodeId } }, 409);
  await check.call("revokeNode", { path: { id: nodeId }, as: member }, 403);
  await check.call("revokeNode", { path: { id: nodeId } }, 200);
  await check.call("revokeNode", { path: nowhere }, 404);
  await check.call("removeNode", { path: { id: nodeId } }, 204);
  await check.call("removeNode", { path: { id: nodeId } }, 404);
  await check.call("getNodeAuthority", {}, 200);
  await check.call("getNodeAuthority", { as: member }, 403);
  await check.call("listTicketKeys", {}, 200);
  await check.call("listTicketKeys", { as: member }, 403);
  await check.call("rotateTicketKeys", {}, 201);
  await check.call("rotateTicketKeys", {}, 201);
  await check.call("rotateTicketKeys", {}, 409);

  const host = { name: "host7", platform: "libvirt", address: "test:///default?socket=/nonesuch" };
  const hypervisor = await check.call("addHypervisor", { body: host }, 201);
  await check.call("addHypervisor", { body: host }, 409);
  await check.call("addHypervisor", { body: { ...host, address: "qemu+tcp://host7/system" } }, 400);
  await check.call("listHypervisors", {}, 200);
  await check.call("listHypervisors", { as: member }, 403);
  const rules = [{ name: "web-*", project: "default" }];
  const host7 = { id: field(hypervisor, "id") };
  await check.call("updateHypervisor", { path: host7, body: { rules } }, 200);
  await check.call("updateHypervisor", { path: host7, body: { rules: [{ name: "*", project: "x" }] } }, 404);
  await check.call("updateHypervisor", { path: host7, body: { rules: "*" } }, 400);
  const anew = { name: "host8", credentials: { sshKey: "key", secret: null }, readOnly: true };
  await check.call("updateHypervisor", { path: host7, body: anew }, 200);
  await check.call("updateHypervisor", { path: host7, body: { address: "qemu+tcp://h/system" } }, 400);
  await check.call("addHypervisor", { body: host }, 201);
  await check.call("updateHypervisor", { path: host7, body: { name: "host7" } }, 409);
  await check.call("updateHypervisor", { path: nowhere, body: anew }, 404);
  await check.call("testHypervisor", { path: { id: field(hypervisor, "id") } }, 200);
  await check.call("testHypervisor", { path: nowhere }, 404);
  await check.call("removeHypervisor", { path: { id: field(hypervisor, "id") } }, 204);
  await check.call("removeHypervisor", { path: { id: field(hypervisor, "id") } }, 404);

  const range = await check.call("addPublicIpRange", { body: { range: "203.0.113.0/28" } }, 201);
  await check.call("addPublicIpRange", { body: { range: "203.0.113.1" } }, 409);
  await check.call("addPublicIpRange", { body: { range: "nonsense" } }, 400);
  await check.call("listPublicIpRanges", {}, 200);
  await check.call("listPublicIpRanges", { as: member }, 403);
  await check.call("removePublicIpRange", { path: { id: field(range, "id") } }, 204);
  await check.call("removePublicIpRange", { path: { id: field(range, "id") } }, 404);

  const { pem, keyPem } = await testCertificate({ names: ["console.example.com"] });
  const upload = { certificate: pem, privateKey: keyPem, domain: "console.example.com" };
  const uploaded = await check.call("uploadCertificate", { body: upload }, 201);
  await check.call("uploadCertificate", { body: { ...upload, domain: "other.example.com" } }, 400);
  await check.call("uploadCertificate", { body: { ...upload, certificate: "x".repeat(5 << 20) } }, 413);
  await check.call("uploadCertificate", { body: upload, as: member }, 403);
  await check.call("listCertificates", {}, 200);
  await check.call("listCertificates", { as: member }, 403);
  await check.call("getCertificateAuthority", {}, 200);
  await check.call("getCertificateAuthority", { as: member }, 403);
  await check.call("removeCertificate", { path: { id: field(uploaded, "id") } }, 204);
  await check.call("removeCertificate", { path: { id: field(uploaded, "id") } }, 404);
  await check.call("checkFromControl", { body: {} }, 200);
  await check.call("checkFromControl", { body: { node: "nobody" } }, 404);
  await check.call("checkFromControl", { body: {}, as: member }, 403);
  await check.call("checkFromNodes", { body: {} }, 200);
  await check.call("checkFromNodes", { body: { node: "nobody" } }, 404);
  await check.call("checkFromNodes", { body: {}, as: member }, 403);
  await check.call("getAcme", {}, 200);
  await check.call("getAcme", { as: member }, 403);
  await check.call("renewAcme", {}, 409);
  await check.call("configureAcme", { body: { directory: "http://acme.example" } }, 400);
  await check.call("configureAcme", { body: { contact: "ops@example.com", challenge: "http-01" } }, 200);
  await check.call("configureAcme", { body: { contact: "x".repeat(5 << 20) } }, 413);
  await check.call("configureAcme", { body: {}, as: member }, 403);
  await check.call("uploadCertificate", { body: upload }, 409);
  await check.call("renewAcme", {}, 202);
  await check.call("disableAcme", {}, 204);
  await check.call("disableAcme", {}, 404);
  await check.call("getKeystone", {}, 200);
  await check.call("getKeystone", { as: member }, 403);
  await check.call("testKeystone", {}, 404);
  await check.call("configureKeystone", { body: { url: "http://keystone.example.com" } }, 400);
  await check.call("configureKeystone", { body: { url: "https://127.0.0.1:1/v3" } }, 400);
  const credentials = { applicationCredentialId: "porthole", secret: "not-to-be-told" };
  const keystone = { url: "https://127.0.0.1:1/v3", credentials, makesProjects: true };
  const projects = [{ keystone: "Default/shop", project: "default" }];
  await check.call("configureKeystone", { body: { ...keystone, projects } }, 200);
  await check.call("configureKeystone", { body: { projects: [{ keystone: "a", project: "b" }] } }, 404);
  await check.call("configureKeystone", { body: {}, as: member }, 403);
  await check.call("configureKeystone", { body: { url: "x".repeat(5 << 20) } }, 413);
  await check.call("getKeystone", {}, 200);
  await check.call("testKeystone", {}, 200);
  await check.call("disableKeystone", {}, 204);
  await check.call("disableKeystone", {}, 404);
  await check.call("getDnsZone", {}, 400);
  await check.call("getDnsZone", { as: member }, 403);
  for (const [name, value] of [
    ["consoleproxy.url.domain", "*.console.example"],
    ["dns.name.servers", "ns1.console.example=192.0.2.53"],
  ])
    await check.call("setSetting", { path: { name: name ?? "" }, body: { value } }, 200);
  await check.call("getDnsZone", { query: "?range=198.51.100.0/24" }, 200);
  await check.call("getDnsZone", { query: "?range=10.0.0.0/8" }, 400);

  const link = await check.call("makeOwnSignInLink", {}, 201);
  const code = /#code=(.+)$/.exec(field(link, "url"))?.[1] ?? "";
  const signedIn = await check.call("signIn", { body: { code } }, 204);
  await check.call("signIn", { body: { code } }, 401);
  const [cookie = ""] = signedIn.headers.getSetCookie()[0]?.split(";") ?? [];
  await check.call("signOut", {}, 204, { cookie, "sec-fetch-site": "same-origin" });
  await check.call("getOwnAccount", {}, 401, { cookie });

  await check.call("removeProject", { path: { id: field(project, "id") } }, 409);
  await check.call("removeMachine", { path }, 204);
  await check.call("removeMachine", { path }, 404);
  await check.call("removeProject", { path: { id: field(project, "id") } }, 204);

  await check.call("listAudit", { query: "?limit=2&action=machine.add&from=2026-01-01T00:00:00Z" }, 200);
  await check.call("listAudit", { query: "?action=guess" }, 400);
  await check.call("listAudit", { query: "?from=yesterday" }, 400);
  await check.call("listAudit", { as: member }, 403);
  await check.call("exportAudit", {}, 200);
  await check.call("exportAudit", { as: member }, 403);

  assert.deepEqual(check.untried, []);
});
