import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { before, test } from "node:test";
import { LOOPBACK } from "../../test/harness/free-port.ts";
import { type TestCertificate, testCertificate } from "../../test/harness/test-certificates.ts";
import { HttpsClient, type HttpsQuestion } from "./https-client.ts";
import { HypervisorError } from "./hypervisor-error.ts";
import type { Trust } from "./trust.ts";

const { signal } = new AbortController();
const QUESTION: HttpsQuestion = { method: "GET", path: "/", answerBytes: 1_000, signal };

let authority: TestCertificate;
let server: TestCertificate;
let elsewhere: TestCertificate;
before(async () => {
  authority = await testCertificate();
  server = await testCertificate({ names: [LOOPBACK], issuer: authority });
  elsewhere = await testCertificate({ names: ["other.example.com"], issuer: authority });
});

const pin = ({ certificate }: TestCertificate, algorithm: "sha1" | "sha256" = "sha256") =>
  `${algorithm}:${hash(algorithm, Buffer.from(certificate.rawData), "hex")}`;

async function serve(onRequest: RequestListener, certificate = server) {
  const listening = createServer({ cert: certificate.pem, key: certificate.keyPem }, onRequest);
  const connections = { count: 0 };
  listening.on("secureConnection", () => {
    connections.count += 1;
  });
  await once(listening.listen(0, LOOPBACK), "listening");
  const { port } = listening.address() as AddressInfo;
  return {
    port,
    connections,
    server: listening,
    client: (trust: Trust = { caCertificate: authority.pem }) =>
      new HttpsClient({ host: LOOPBACK, port, trust }),
    async [Symbol.asyncDispose]() {
      listening.closeAllConnections();
      await new Promise((done) => listening.close(done));
    },
  };
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HypervisorError, String(error));
  return `${error.step}: ${error.message}`;
}

test("an API is asked by whoever knows its authority or its certificate, over one connection", async () => {
  await using api = await serve((request, response) => {
    response.writeHead(201, { "x-way": String(request.headers["x-way"]) });
    request.pipe(response);
  });
  for (const trust of [
    { caCertificate: authority.pem },
    { pin: pin(server) },
    { pin: pin(server, "sha1") },
  ]) {
    using client = api.client(trust);
    const before = api.connections.count;

    for (const body of ["first", "second"]) {
      const answer = await client.ask({ ...QUESTION, method: "POST", headers: { "x-way": "there" }, body });

      assert.deepEqual([answer.status, answer.headers["x-way"], `${answer.body}`], [201, "there", body]);
    }
    assert.equal(api.connections.count, before + 1);
  }
});

test("nothing is said to whoever is somebody else, and it is said who that is", async () => {
  let asked = 0;
  const count: RequestListener = (_, response) => {
    asked += 1;
    response.end();
  };
  await using api = await serve(count);
  await using other = await serve(count, elsewhere);
  const tried = async (client: HttpsClient) => {
    using asking = client;
    return await failure(asking.ask({ ...QUESTION, headers: { authorization: "geheim" } }));
  };

  assert.match(await tried(api.client({})), new RegExp(`^tls: .*not trusted.* ${pin(server)},`));
  assert.match(await tried(other.client()), /^tls: .*not trusted: it is for DNS:other\.example\.com\. /);
  assert.match(
    await tried(api.client({ pin: pin(elsewhere) })),
    new RegExp(`^tls: .*is not the one that is pinned, but ${pin(server)}$`),
  );
  assert.equal(asked, 0);
});

test("what is not there, is silent or speaks something else is told by its step", async () => {
  const tcp = createTcpServer((socket) => void socket.on("error", () => {}).write("SSH-2.0-x\r\n"));
  const silent = createTcpServer(() => {});
  for (const each of [tcp, silent]) await once(each.listen(0, LOOPBACK), "listening");
  const portOf = (each: typeof tcp) => (each.address() as AddressInfo).port;
  const at = (port: number) => new HttpsClient({ host: LOOPBACK, port, trust: {} });
  const left = portOf(tcp);
  try {
    using talking = at(left);
    assert.match(await failure(talking.ask(QUESTION)), /^tls: /);
    using mute = at(portOf(silent));
    const given = new AbortController();
    const asking = mute.ask({ ...QUESTION, signal: given.signal });
    await once(silent, "connection");
    given.abort(new Error("nobody waits any more"));
    await assert.rejects(asking, /nobody waits any more/);
  } finally {
    tcp.close();
    silent.close();
  }
  using nobody = at(left);
  assert.match(await failure(nobody.ask(QUESTION)), /^tcp: .*ECONNREFUSED/);
  using unknown = new HttpsClient({ host: "nobody.invalid", port: 443, trust: {} });
  assert.match(await failure(unknown.ask(QUESTION)), /^dns: /);
});

test("an answer that is too long, breaks off or leads elsewhere is followed no further", async () => {
  await using api = await serve((request, response) => {
    if (request.url === "/long") response.end("x".repeat(100_000));
    if (request.url === "/broken") response.write("x", () => response.destroy());
    if (request.url === "/away") response.writeHead(302, { location: "https://elsewhere.example/" }).end();
  });
  using client = api.client();

  assert.match(await failure(client.ask({ ...QUESTION, path: "/long" })), /^answer: .*more than 1000 bytes/);
  assert.match(await failure(client.ask({ ...QUESTION, path: "/broken" })), /^answer: /);
  assert.equal((await client.ask({ ...QUESTION, path: "/away" })).status, 302);
});

test("a deadline says where it struck", async () => {
  await using api = await serve(() => {});
  using client = api.client();

  const late = AbortSignal.timeout(1);

  assert.match(await failure(client.ask({ ...QUESTION, signal: late })), /: no answer in time$/);
});

test("a connection that was closed meanwhile is replaced where nothing can have been done twice", async () => {
  const cut = { next: false };
  await using api = await serve((request, response) => {
    // As a server does whose time for idle connections is over at the very moment.
    if (cut.next) request.socket.destroy();
    else response.end("there");
    cut.next = false;
  });
  using client = api.client();
  const again = async (question: HttpsQuestion) => {
    await client.ask(QUESTION);
    cut.next = true;
    return await client.ask(question);
  };

  assert.equal(`${(await again({ ...QUESTION, isRepeatable: true })).body}`, "there");
  assert.match(await failure(again(QUESTION)), /^answer: /);
});

test("who closes it ends what is on its way", async () => {
  await using api = await serve(() => {});
  const client = api.client();
  const asking = failure(client.ask(QUESTION));
  await once(api.server, "request");

  client[Symbol.dispose]();

  assert.match(await asking, /^answer: /);
});

test("an answer that goes on is read as it comes, until nobody wants it any more", async () => {
  await using api = await serve((_, response) => {
    response.write("first\n");
  });
  using client = api.client();
  const leave = new AbortController();
  const { status, body } = await client.open({ method: "GET", path: "/", signal: leave.signal });
  const read: string[] = [];

  const reading = (async () => {
    for await (const chunk of body) {
      read.push(`${chunk}`);
      leave.abort(new Error("nobody wants it any more"));
    }
  })();

  await assert.rejects(reading, /nobody wants it any more/);
  assert.deepEqual([status, read], [200, ["first\n"]]);
});

test("whatever waits for something to happen keeps nobody else waiting", async () => {
  await using api = await serve((request, response) => {
    if (request.url === "/") response.end("there");
  });
  using client = api.client();
  const leave = new AbortController();
  const waiting = Array.from({ length: 9 }, async (_, index) => {
    const question = { ...QUESTION, path: "/events", signal: leave.signal };
    return await (index % 2 === 0 ? client.ask({ ...question, waits: true }) : client.open(question));
  });
  const ended = Promise.allSettled(waiting);

  const answer = await client.ask({ ...QUESTION, signal: AbortSignal.timeout(30_000) });

  assert.equal(`${answer.body}`, "there");
  leave.abort();
  assert.ok((await ended).every(({ status }) => status === "rejected"));
});
