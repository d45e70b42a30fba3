import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Account, Page } from "#wire/api.ts";
import type { AuditRow } from "#wire/audit.ts";
import type { Keystone, KeystoneTest } from "#wire/keystone.ts";
import { eventually } from "../harness/eventually.ts";
import { novaToken } from "../harness/nova.ts";
import { startProcess } from "../harness/process.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { type KeystoneLogin, type KeystonePeer, lackingKeystone } from "./keystone.ts";
import { ALICE, type KeystoneStage, SERVICE, startKeystoneStage } from "./keystone-stage.ts";
import { lackingNovaClients, type Outcome, runOpenStack } from "./nova-clients.ts";

const RITA: KeystoneLogin = { user: "rita", password: "ritas-password", project: "shop" };
const MALLORY: KeystoneLogin = { user: "mallory", password: "mallorys-password", project: "other" };
const NOBODY: KeystoneLogin = { user: "nobody", password: "nobodys-password", project: "shop" };

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

describe("tokens of Debian's Keystone at the Nova API", {
  skip: lackingKeystone || lackingNovaClients,
}, () => {
  let stage: KeystoneStage;
  let keystone: KeystonePeer;
  let porthole: KeystoneStage["porthole"];
  before(async () => {
    stage = await startKeystoneStage();
    ({ keystone, porthole } = stage);
    await keystone.addProject("other");
    await keystone.addUser(RITA, "reader");
    await keystone.addUser(MALLORY, "member");
    await keystone.addUser(NOBODY, "accounting");
    await addToCatalogue();
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  /** As operators do it. `openstack` wants to know where images are as well, before it lists servers without asking there. */
  async function addToCatalogue(): Promise<void> {
    for (const [type, url] of [
      ["identity", keystone.url],
      ["compute", porthole.nova],
      ["image", "https://images.invalid/v2"],
    ]) {
      const { service } = await keystone.call<{ readonly service: { readonly id: string } }>(
        "POST",
        "/services",
        { service: { type, name: type } },
      );
      const endpoint = { interface: "public", url, service_id: service.id };
      await keystone.call("POST", "/endpoints", { endpoint });
    }
  }

  const openStack = async (login: KeystoneLogin, ...args: readonly string[]): Promise<Outcome> =>
    await runOpenStack([
      ...["--os-auth-url", keystone.url, "--os-cacert", keystone.caFile, "--os-username", login.user],
      ...["--os-password", login.password, "--os-project-name", login.project],
      ...["--os-user-domain-id", "default", "--os-project-domain-id", "default"],
      ...args,
    ]);
  const listed = async (login: KeystoneLogin) => {
    const outcome = await openStack(login, "server", "list", "--no-name-lookup", "-f", "json");
    assert.equal(outcome.status, 0, outcome.stderr);
    return (outcome.json as readonly { readonly Name: string }[]).map(({ Name }) => Name);
  };
  const show = ["console", "url", "show", "--novnc", "-f", "json"];

  /** The command line, with the keys that `npm start` wrote. */
  async function cli(...args: readonly string[]) {
    const env = { PORTHOLE_CONFIG: join(porthole.data, "cli.toml"), PORTHOLE_URL: "", PORTHOLE_API_KEY: "" };
    await using child = await startProcess(process.execPath, [MAIN, ...args], {
      env: { ...env, PORTHOLE_SECRET_KEY: "" },
    });
    const status = await child.exited;
    return { status, out: child.stdout.text, err: child.stderr.text };
  }

  test("before a Keystone is configured its tokens are nobody's, and clients are pointed to our own", async () => {
    const answer = await stage.servers(await keystone.token(ALICE));

    assert.equal(answer.status, 401);
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Keystone uri="http:.*\/identity\/v3"$/);
  });

  test("the command line configures it, with the password from a file, and says at which step a way fails", async () => {
    const wrong = join(keystone.folder, "wrong.pw");
    writeFileSync(wrong, "wrong\n", { mode: 0o600 });
    const right = join(keystone.folder, "service.pw");
    writeFileSync(right, `${SERVICE.password}\n`, { mode: 0o600 });
    const configure = ["keystone", "configure"];
    const user = ["--username", SERVICE.user, "--project", SERVICE.project, "--password-file"];

    const early = await cli("keystone", "test");
    const first = await cli(
      ...configure,
      "--url",
      keystone.url,
      ...user,
      wrong,
      "--map",
      "Default/shop=shop",
    );
    const untrusted = await cli("keystone", "test");
    await cli(...configure, "--ca-file", keystone.caFile);
    const refused = await cli("keystone", "test");
    await cli(...configure, ...user, right);
    const good = await cli("keystone", "test");
    const shown = await cli("keystone", "show", "--json");

    assert.notEqual(early.status, 0);
    assert.equal(first.status, 0, first.err);
    assert.match(untrusted.err, /fails at “tls”: its certificate is not trusted/);
    assert.match(refused.err, /fails at “credentials”: Keystone does not accept the user/);
    assert.equal(untrusted.status, 1);
    assert.equal(good.status, 0, good.err);
    assert.match(good.out, /knows us as porthole@Default, with the roles service\./);
    const { state, url, username, roles, projects } = JSON.parse(shown.out) as Keystone;
    assert.deepEqual([state, url, username], ["on", keystone.url, "porthole"]);
    assert.deepEqual(projects, [{ keystone: "Default/shop", project: "shop", made: false }]);
    assert.deepEqual(roles, [
      { role: "member", right: "member" },
      { role: "reader", right: "reader" },
    ]);
    assert.ok(!`${shown.out}${first.out}${good.out}`.includes(SERVICE.password));
  });

  test("openstack signs in at Keystone, lists the project's machines, and its console URL opens", async () => {
    const names = await listed(ALICE);
    const outcome = await openStack(ALICE, ...show, "db-1");

    assert.deepEqual(names, ["db-1"]);
    const { url } = outcome.json as { readonly url?: string };
    assert.ok(url !== undefined, JSON.stringify(outcome));
    assert.match(await (await fetch(url)).text(), /<html/);
    await using viewer = await TestViewer.bare(porthole.node, ticketOf(url));
    assert.ok((await viewer.handshake()).width > 0, "the machine's screen is there");
  });

  test("whose account is disabled here loses the console that is open, comes in no more, and may again once it is not", async () => {
    const outcome = await openStack(ALICE, ...show, "db-1");
    const { url = "" } = outcome.json as { readonly url?: string };
    await using viewer = await TestViewer.porthole(porthole.node, ticketOf(url));
    await viewer.handshake();
    const { items } = await porthole.api.call<{ readonly items: readonly Account[] }>("GET", "accounts");
    const account = items.find(({ name }) => name.startsWith(ALICE.user));
    assert.ok(account !== undefined, JSON.stringify(items));

    await porthole.api.call("PATCH", `accounts/${account.id}`, { disabled: true });

    assert.equal((await viewer.untilClosed()).reason, "access_withdrawn");
    const refused = await openStack(ALICE, ...show, "db-1");
    await porthole.api.call("PATCH", `accounts/${account.id}`, { disabled: false });
    assert.match(refused.stderr, /403: .*the account is disabled, or was removed/);
    assert.deepEqual(await listed(ALICE), ["db-1"]);
  });

  test("the machine of another project is not there for them", async () => {
    const outcome = await openStack(ALICE, ...show, stage.foreign);

    assert.notEqual(outcome.status, 0);
    assert.match(outcome.stderr, /No Server found for/);
  });

  test("a reader lists the machines and is refused their consoles, as Nova refuses it", async () => {
    assert.deepEqual(await listed(RITA), ["db-1"]);

    const outcome = await openStack(RITA, ...show, stage.machine);

    assert.match(
      outcome.stderr,
      /403: .*Policy doesn't allow os_compute_api:os-remote-consoles to be performed\./,
    );
  });

  test("whose role comes to nothing, or whose project is mapped to none, is refused with the reason", async () => {
    const nobody = await openStack(NOBODY, "server", "list", "--no-name-lookup");
    const mallory = await openStack(MALLORY, "server", "list", "--no-name-lookup");

    assert.match(nobody.stderr, /none of the Keystone token's roles comes to a right here.*HTTP 403/);
    assert.match(mallory.stderr, /the Keystone project [0-9a-f]{32} is mapped to none here.*HTTP 403/);
  });

  test("a token that is none, or for no project, comes in nowhere, and clients are pointed to Keystone", async () => {
    const answer = await stage.servers(`gAAAAAB${"x".repeat(170)}`);

    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("www-authenticate"), `Keystone uri="${keystone.url}"`);
    assert.deepEqual(await answer.json(), {
      error: {
        code: 401,
        title: "Unauthorized",
        message: "The request you have made requires authentication.",
      },
    });
  });

  test("API keys go on working beside it, and Keystone's tokens open nothing but the Nova API", async () => {
    const token = await keystone.token(ALICE);
    const identity = await fetch(`${porthole.control}/identity/v3/auth/projects`, {
      headers: { "x-auth-token": token },
    });

    assert.equal((await stage.servers(novaToken(porthole))).status, 200);
    assert.equal((await stage.servers(token)).status, 200);
    assert.equal(identity.status, 401);
  });

  test("the audit log and the accounts name Keystone's user", async () => {
    const { items } = await porthole.api.call<Page<AuditRow>>("GET", "audit?limit=200");
    const { items: accounts } = await porthole.api.call<Page<Account>>("GET", "accounts");

    const issued = items.find(({ action, result }) => action === "console.issue" && result === "ok");
    const alice = accounts.find(({ name }) => name === "alice@Default");
    assert.deepEqual([issued?.account, issued?.accountId, issued?.api], ["alice@Default", alice?.id, "nova"]);
    const made = items.find(
      ({ action, object }) => action === "account.add" && object?.name === "alice@Default",
    );
    assert.match(made?.detail ?? "", /^member, Keystone user [0-9a-f]{32}$/);
    const refusal = items.find(
      ({ action, account }) => action === "sign-in" && account === "mallory@Default",
    );
    assert.equal(refusal?.result, "forbidden");
  });

  test("a revoked token is refused once what is remembered of it is over", async () => {
    await porthole.api.call("PUT", "settings/identity.keystone.cache", { value: "1000" });
    const token = await keystone.token(ALICE);
    assert.equal((await stage.servers(token)).status, 200);

    await keystone.revoke(token);

    await eventually(async () => assert.equal((await stage.servers(token)).status, 401));
    await porthole.api.call("PUT", "settings/identity.keystone.cache", { value: "0" });
    const another = await keystone.token(ALICE);
    assert.equal((await stage.servers(another)).status, 200);
    await keystone.revoke(another);
    assert.equal((await stage.servers(another)).status, 401, "without memory at once");
  });

  test("a role that is taken away takes the consoles with it that it opened", async () => {
    const opened = await openStack(ALICE, ...show, stage.machine);
    const { url } = opened.json as { readonly url: string };
    const accounts = await porthole.api.call<Page<Account>>("GET", "accounts");
    const alice = accounts.items.find(({ name }) => name === "alice@Default");
    assert.ok(ticketOf(url) !== "" && alice !== undefined);

    await keystone.assign(ALICE, "member", "DELETE");
    await keystone.assign(ALICE, "accounting");
    const refused = await openStack(ALICE, ...show, stage.machine);

    assert.match(refused.stderr, /403/);
    const sessions = await porthole.api.call<Page<{ readonly state: string; readonly accountId?: string }>>(
      "GET",
      "sessions?limit=200",
    );
    assert.deepEqual(
      sessions.items.filter(({ state }) => state !== "ended"),
      [],
    );
    await keystone.assign(ALICE, "member");
    await keystone.assign(ALICE, "accounting", "DELETE");
    assert.deepEqual(await listed(ALICE), ["db-1"]);
  });

  test("projects that are mapped to none are made where that is wanted, and none is taken for its name", async () => {
    const theirs = await keystone.addProject("default");
    const dora: KeystoneLogin = { user: "dora", password: "doras-password", project: "default" };
    await keystone.addUser(dora, "member");
    await stage.configure({ makesProjects: true });

    assert.deepEqual(await listed(dora), [], "the machines of our project of that name are not theirs");

    const { projects } = await porthole.api.call<Keystone>("GET", "keystone");
    assert.deepEqual(
      projects?.find(({ keystone: id }) => id === theirs),
      { keystone: theirs, project: "default (Default)", made: true },
    );
    await stage.configure({ makesProjects: false, projects: [{ keystone: theirs, project: null }] });
    assert.match((await openStack(dora, "server", "list", "--no-name-lookup")).stderr, /403/);
  });

  test("an administrator there is one here only where the operator says so", async () => {
    const { admin } = keystone;
    await keystone.assign(ALICE, "admin");
    assert.deepEqual(await listed(ALICE), ["db-1"]);
    await keystone.assign(ALICE, "admin", "DELETE");

    await stage.configure({ roles: [{ role: "admin", right: "admin" }] });
    const all = await listed(admin);
    await stage.configure({ roles: [{ role: "admin", right: null }] });

    assert.ok(all.includes("db-1") && all.includes("foreign"), all.join());
    assert.match((await openStack(admin, "server", "list", "--no-name-lookup")).stderr, /403/);
  });

  test("control asks by an application credential as well, which is made for one user and project", async () => {
    const made = await openStack(SERVICE, "application", "credential", "create", "porthole", "-f", "json");
    const { id, secret } = made.json as { readonly id?: string; readonly secret?: string };
    assert.ok(id !== undefined && secret !== undefined, made.stderr);
    const file = join(keystone.folder, "credential.secret");
    writeFileSync(file, secret, { mode: 0o600 });

    const configured = await cli(
      ...["keystone", "configure", "--application-credential", id, "--secret-file", file],
    );
    const result = await porthole.api.call<KeystoneTest>("POST", "keystone/test");

    assert.equal(configured.status, 0, configured.err);
    assert.deepEqual([result.ok, result.user, result.roles], [true, "porthole@Default", ["service"]]);
    assert.equal((await stage.servers(await keystone.token(ALICE))).status, 200);
  });
});

function ticketOf(url: string): string {
  return (
    new URLSearchParams((new URL(url).searchParams.get("path") ?? "").replace(/^\?/, "")).get("token") ?? ""
  );
}
