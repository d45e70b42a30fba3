import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { onFreePort } from "../harness/free-port.ts";
import { firstLine, type Process, startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { testCertificate } from "../harness/test-certificates.ts";

/** For `test(…, { skip })`. */
export const lackingKeystone = lacking("python3-keystone");

/** Of the administrator that Keystone's own set-up makes. */
const ADMIN = { name: "admin", password: "the-admins-password" } as const;

/**
 * Its WSGI application in one process, so that one signal stops or freezes all of it, and with a write-ahead log, since it leaves reading
 * transactions open that would keep out whoever writes. The port is its first line.
 */
const SERVE = `
import sqlite3, ssl, sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
port, certificate, key, database = sys.argv[1:5]
sqlite3.connect(database).execute("PRAGMA journal_mode=WAL").fetchone()
sys.argv = ["keystone"]
from keystone.server.wsgi import initialize_public_application
class Server(WSGIServer):
    request_queue_size = 128
class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass
server = make_server("127.0.0.1", int(port), initialize_public_application(), Server, Quiet)
server.base_environ["HTTPS"] = "on"
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(certificate, key)
server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_port, flush=True)
server.serve_forever()
`;

/** A user, and the project that it signs in for. */
export interface KeystoneLogin {
  readonly user: string;
  readonly password: string;
  readonly project: string;
}

/** Debian's Keystone, over SQLite in a folder of its own. */
export interface KeystonePeer extends AsyncDisposable {
  /** Of the identity API, version 3. */
  readonly url: string;
  /** Who signs its certificate. */
  readonly ca: string;
  readonly caFile: string;
  readonly folder: string;
  readonly process: Process;
  /** As the administrator. Answers the body; fails for what is no success. */
  call<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** A project in the domain Default; answers its id. */
  addProject(name: string): Promise<string>;
  /** A user in that domain, with a role in a project; without a role, where none is named. Answers the user's id. */
  addUser(login: KeystoneLogin, ...roles: readonly string[]): Promise<string>;
  /** Gives a user a role in a project, or takes it away. All by name. */
  assign(
    login: Pick<KeystoneLogin, "user" | "project">,
    role: string,
    what?: "PUT" | "DELETE",
  ): Promise<void>;
  /** A token for the login's project. */
  token(login: KeystoneLogin): Promise<string>;
  revoke(token: string): Promise<void>;
  /** Of the administrator, in the project `admin`. */
  readonly admin: KeystoneLogin;
  /** Kills the process, as a failing host does. */
  kill(): Promise<void>;
  /** A killed one comes back, at the same port and with what it knew. */
  restart(): Promise<void>;
}

export async function startKeystone(): Promise<KeystonePeer> {
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(scratch());
  const authority = await testCertificate({ commonName: "keystone authority" });
  const server = await testCertificate({ names: ["127.0.0.1"], issuer: authority });
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const database = join(folder, "keystone.db");
  const caFile = file("ca.pem", authority.pem);
  const [certificate, key] = [file("server.pem", server.pem), file("server-key.pem", server.keyPem)];
  writeConfiguration(folder, file);
  await manage(folder, ["db_sync"]);
  await manage(folder, ["fernet_setup", "--keystone-user", "root", "--keystone-group", "root"]);
  await manage(folder, ["bootstrap", "--bootstrap-password", ADMIN.password]);

  const serve = async (port: string) => {
    const child = await startProcess("/usr/bin/python3", ["-c", SERVE, port, certificate, key, database], {
      env: environmentOf(folder),
    });
    return { child, port: await firstLine(child) };
  };
  // It is to come back at this port, which is nobody else's meanwhile.
  let running = await onFreePort(async (port) => await serve(String(port)));
  // Whichever runs by then.
  opened.defer(async () => {
    await running.child.stop();
  });
  const { port } = running;
  const url = `https://127.0.0.1:${port}/v3`;
  const admin = { user: ADMIN.name, password: ADMIN.password, project: "admin" };
  const ask = async (method: string, path: string, options: Omit<Asked, "ca">) =>
    await askKeystone(`${url}${path}`, method, { ...options, ca: authority.pem });

  const token = async ({ user, password, project }: KeystoneLogin) => {
    const domain = { id: "default" };
    const identity = { methods: ["password"], password: { user: { name: user, domain, password } } };
    const body = { auth: { identity, scope: { project: { name: project, domain } } } };
    const { status, headers, json } = await ask("POST", "/auth/tokens", { body });
    assert.equal(status, 201, JSON.stringify(json));
    return String(headers["x-subject-token"]);
  };
  const adminToken = await token(admin);
  const call = async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    const { status, json } = await ask(method, path, { token: adminToken, body });
    assert.ok(status >= 200 && status < 300, `${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json as Answer;
  };
  const named = async (kind: "users" | "projects" | "roles", name: string): Promise<string> => {
    const answer = await call<Record<string, { readonly id: string }[]>>("GET", `/${kind}?name=${name}`);
    return answer[kind]?.[0]?.id ?? assert.fail(`there is no ${name} among the ${kind}`);
  };
  const assign: KeystonePeer["assign"] = async ({ user, project }, role, what = "PUT") => {
    const [userId, projectId] = [await named("users", user), await named("projects", project)];
    await call(what, `/projects/${projectId}/users/${userId}/roles/${await named("roles", role)}`);
  };
  const owned = opened.move();

  return {
    ...{ url, ca: authority.pem, caFile, folder, admin, call, assign, token },
    get process() {
      return running.child;
    },
    async addProject(name) {
      const body = { project: { name, domain_id: "default" } };
      return (await call<{ readonly project: { readonly id: string } }>("POST", "/projects", body)).project
        .id;
    },
    async addUser(login, ...roles) {
      const user = { name: login.user, password: login.password, domain_id: "default" };
      const made = await call<{ readonly user: { readonly id: string } }>("POST", "/users", { user });
      for (const role of roles) await assign(login, role);
      return made.user.id;
    },
    async revoke(subject) {
      const { status } = await ask("DELETE", "/auth/tokens", { token: adminToken, subject });
      assert.equal(status, 204);
    },
    async kill() {
      await running.child.stop("SIGKILL");
    },
    async restart() {
      running = await serve(port);
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function writeConfiguration(folder: string, file: (name: string, content: string) => string): void {
  for (const keys of ["fernet-keys", "credential-keys"]) mkdirSync(join(folder, keys), { mode: 0o700 });
  const repository = (name: string) => `key_repository = ${join(folder, name)}`;
  file(
    "keystone.conf",
    [
      ...["[DEFAULT]", "use_stderr = true"],
      ...["[database]", `connection = sqlite:///${join(folder, "keystone.db")}`],
      ...["[token]", "provider = fernet"],
      ...["[fernet_tokens]", repository("fernet-keys")],
      ...["[fernet_receipts]", repository("fernet-keys")],
      ...["[credential]", repository("credential-keys")],
      "",
    ].join("\n"),
  );
}

/** Nothing of this machine's own configuration. */
function environmentOf(folder: string) {
  const bare = { HOME: folder, PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };
  return { ...bare, OS_KEYSTONE_CONFIG_DIR: folder, OS_KEYSTONE_CONFIG_FILES: "keystone.conf" };
}

async function manage(folder: string, args: readonly string[]): Promise<void> {
  const command = ["/usr/bin/keystone-manage", "--config-file", join(folder, "keystone.conf"), ...args];
  await using child = await startProcess("/usr/bin/python3", command, { env: environmentOf(folder) });
  assert.equal(await child.exited, 0, child.stderr.text);
}

interface Asked {
  readonly ca: string;
  readonly token?: string;
  /** About which it is. */
  readonly subject?: string;
  readonly body?: unknown;
}

async function askKeystone(url: string, method: string, { ca, token, subject, body }: Asked) {
  const { promise, resolve, reject } = Promise.withResolvers<import("node:http").IncomingMessage>();
  const sent = request(url, {
    ...{ method, ca, agent: false },
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { "x-auth-token": token }),
      ...(subject === undefined ? {} : { "x-subject-token": subject }),
    },
  });
  sent.on("response", resolve).on("error", reject);
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const answer = await promise;
  const said = await text(answer);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    json: said === "" ? undefined : (JSON.parse(said) as unknown),
  };
}
