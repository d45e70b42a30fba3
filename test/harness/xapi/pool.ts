import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type TestCertificate, testCertificate } from "../test-certificates.ts";
import { Refusal, type Session, type Switch, XapiCalls } from "./calls.ts";
import { type PlaceOf, serveConnect, serveWebSocket, snapshot } from "./console.ts";
import { NULL_REF, XapiObjects } from "./objects.ts";

/** Of the tests' double; xapi's own limit is 300 kB (http_limit_max_rpc_size). */
const MOST_BYTES = 300 * 1024;

/** Accounts by their roles (ocaml/idl/datamodel_roles.ml). */
export const ACCOUNTS = {
  console: { password: "geheim-7", role: "vm-operator" },
  watcher: { password: "geheim-8", role: "read-only" },
} as const;

export interface XapiMachine {
  readonly ref: string;
  readonly uuid: string;
}

export interface XapiPool extends AsyncDisposable {
  readonly uuid: string;
  /** Each host's own, the master's first. */
  readonly hosts: readonly {
    readonly address: string;
    readonly ref: string;
    readonly certificate: TestCertificate;
  }[];
  /** Of all hosts. */
  readonly port: number;
  /** Of the master. */
  readonly address: string;
  /** Who signed the hosts' certificates. */
  readonly authority: TestCertificate;
  readonly objects: XapiObjects;
  readonly calls: XapiCalls;
  add(machine: {
    readonly name: string;
    readonly state?: string;
    readonly os?: Record<string, string>;
    /** Of one that comes from another pool, and keeps it: xapi_vm_migrate.ml, remote_metadata_export_import with restore. */
    readonly uuid?: string;
  }): XapiMachine;
  /** To another host, as after a migration. XAPI's location follows, unless it is said to lag behind. */
  move(machine: XapiMachine, host: number, isStale?: boolean): void;
  /** That is open now and was not given back. */
  sessions(originator: string): readonly Session[];
  /** How many have a machine's console open, by its reference: somebody elsewhere may. */
  readonly open: Map<string, number>;
  setMaster(index: number): void;
  /** Whether it is of 24.1 or later, where hosts that are no master say its certificate to whoever asks for that. */
  saysThumbprint: boolean;
  /** In place of every answer of /jsonrpc; undefined: no more. */
  answer: ((method: string) => string | undefined) | undefined;
}

/**
 * A pool of XAPI for tests, since Debian has no XAPI and none can be built from its packages. What it does is what xen-api e2ee48d6 does,
 * file by file as the parts beside this name it; it has been compared with no real XenServer. /jsonrpc, and the thumbprint of the master beside
 * HOST_IS_SLAVE: ocaml/xapi/api_server.ml.
 */
export async function startXapi({
  hosts: addresses = ["127.0.0.1"],
  vncOf = () => undefined,
  lineOf = () => undefined,
  power,
}: {
  readonly hosts?: readonly string[];
  readonly vncOf?: PlaceOf;
  readonly lineOf?: PlaceOf;
  /** Beside what becomes of the machine's state. */
  readonly power?: Switch;
} = {}): Promise<XapiPool> {
  const objects = new XapiObjects();
  const authority = await testCertificate({ commonName: "pool" });
  const uuid = randomUUID();
  objects.add("pool", { uuid, name_label: "pool", limit_console_sessions: false });
  const hosts = await Promise.all(
    addresses.map(async (address) => {
      const certificate = await testCertificate({ names: [address], issuer: authority });
      const ref = objects.add("host", { uuid: randomUUID(), address, name_label: address });
      const fingerprint = await fingerprintOf(certificate);
      objects.add("Certificate", { type: "host", host: ref, fingerprint, fingerprint_sha256: fingerprint });
      return { address, ref, certificate };
    }),
  );
  const calls = new XapiCalls({
    objects,
    accounts: ACCOUNTS,
    power: switching(objects, power, hosts[0]?.ref ?? ""),
  });
  const leaving = new AbortController();
  const open = new Map<string, number>();
  let master = 0;
  let answer: XapiPool["answer"];
  let saysThumbprint = true;

  /** What whoever asks for it is told beside HOST_IS_SLAVE: as the database has it, and not as the host shows it. */
  const thumbprint = ({ headers }: IncomingMessage, index: number): Record<string, string> => {
    const isAsked = headers["x-xenapi-request-host-certificate-thumbprint"] === "sha-256:master";
    const [, known] =
      objects.all("Certificate").find(([, fields]) => fields["host"] === hosts[master]?.ref) ?? [];
    if (!isAsked || index === master || !saysThumbprint || known === undefined) return {};
    return { "x-xenapi-response-host-certificate-thumbprint": String(known["fingerprint_sha256"]) };
  };

  const serve = (index: number): Server => {
    const { certificate, address: host } = hosts[index] ?? failed();
    const parts = { objects, calls, placesOf: { rfb: vncOf, vt100: lineOf }, host, open };
    const server = createServer({ cert: certificate.pem, key: certificate.keyPem });
    server.on("connect", (request, socket) => serveConnect(parts, request, socket));
    server.on("upgrade", (request, socket, head) => serveWebSocket(parts, request, socket, head));
    server.on("request", (request, response) => void respond(request, response));
    const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      if (request.method === "GET" && request.url?.startsWith("/vncsnapshot?")) {
        const shown = snapshot(parts, request);
        if (typeof shown === "number") response.writeHead(shown).end("<html></html>");
        else response.writeHead(200, { "content-type": "image/jpeg" }).end(shown);
        return;
      }
      if (request.method !== "POST" || request.url !== "/jsonrpc") {
        response.writeHead(404).end();
        return;
      }
      const text = await bodyOf(request);
      const { jsonrpc, id, method, params } = JSON.parse(text);
      const said = answer?.(method) ?? (await answerTo());
      const headers = { "content-type": "application/json", ...thumbprint(request, index) };
      response.writeHead(200, headers).end(said);

      async function answerTo(): Promise<string> {
        try {
          if (jsonrpc !== "2.0" || !Array.isArray(params)) throw new Refusal("MESSAGE_DEPRECATED");
          if (index !== master) throw new Refusal("HOST_IS_SLAVE", hosts[master]?.address ?? "");
          return JSON.stringify({ jsonrpc, id, result: await calls.call(method, params, leaving.signal) });
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return JSON.stringify({
            jsonrpc,
            id,
            error: { code: 1, message: error.message, data: error.data },
          });
        }
      }
    };
    return server;
  };

  const { servers, port } = await listening(addresses, serve);
  const sockets = new Set<Socket>();
  for (const server of servers)
    server.on("secureConnection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    });

  const locationAt = (index: number, console: string) =>
    `https://${hosts[index]?.address}/console?uuid=${console}`;

  return {
    ...{ uuid, hosts, port, authority, objects, calls, open },
    address: `https://${addresses[0]}:${port}`,
    add({ name, state = "Running", os = {}, uuid: machine = randomUUID() }) {
      const metrics = objects.add("VM_guest_metrics", { uuid: randomUUID(), os_version: os });
      const ref = objects.add("VM", {
        ...{ uuid: machine, name_label: name, power_state: state, guest_metrics: metrics },
        ...{ is_a_template: false, is_a_snapshot: false, is_control_domain: false },
        resident_on: state === "Running" ? hosts[0]?.ref : NULL_REF,
      });
      for (const protocol of ["vt100", "rfb"]) {
        const console = randomUUID();
        objects.add("console", { uuid: console, VM: ref, protocol, location: locationAt(0, console) });
      }
      return { ref, uuid: machine };
    },
    move({ ref }, index, isStale = false) {
      objects.set(ref, { resident_on: hosts[index]?.ref });
      if (isStale) return;
      for (const [console, fields] of objects.all("console"))
        if (fields["VM"] === ref)
          objects.set(console, { location: locationAt(index, String(fields["uuid"])) });
    },
    sessions: (originator) => [...calls.sessions.values()].filter((each) => each.originator === originator),
    setMaster(index) {
      master = index;
    },
    get saysThumbprint() {
      return saysThumbprint;
    },
    set saysThumbprint(says) {
      saysThumbprint = says;
    },
    get answer() {
      return answer;
    },
    set answer(instead) {
      answer = instead;
    },
    async [Symbol.asyncDispose]() {
      leaving.abort();
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map(async (server) => await new Promise((done) => server.close(done))));
    },
  };
}

/** What becomes of a machine's state, once whoever runs it has done it. */
function switching(objects: XapiObjects, power: Switch | undefined, host: string): Switch {
  return async (ref, method, params) => {
    await power?.(ref, method, params);
    const runs = !method.endsWith("_shutdown");
    objects.set(ref, { power_state: runs ? "Running" : "Halted", resident_on: runs ? host : NULL_REF });
  };
}

/** At one port of several addresses, which the system has to have free at each: so it is looked for. */
async function listening(
  addresses: readonly string[],
  serve: (index: number) => Server,
): Promise<{ readonly servers: readonly Server[]; readonly port: number }> {
  for (;;) {
    const servers: Server[] = [];
    let port = 0;
    try {
      for (const [index, address] of addresses.entries()) {
        const server = serve(index).listen(port, address);
        servers.push(server);
        await once(server, "listening");
        ({ port } = server.address() as AddressInfo);
      }
      return { servers, port };
    } catch {
      for (const server of servers) server.close();
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MOST_BYTES) throw new Error("more than XAPI takes");
  }
  return text;
}

/** As ocaml/xapi/certificates.ml pp_fingerprint writes it: AB:CD:… */
async function fingerprintOf({ certificate }: TestCertificate): Promise<string> {
  const digest = Buffer.from(await certificate.getThumbprint("SHA-256"));
  return (digest.toString("hex").match(/../g) ?? []).join(":").toUpperCase();
}

function failed(): never {
  throw new Error("there is no such host");
}
