import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import { test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { createAuthority, issueServerCertificate } from "../authority.ts";
import type { AcmeFault } from "./acme-error.ts";
import { retryAfterMs, Transport } from "./transport.ts";

const NEVER = new AbortController().signal;

test("who is not known by the roots is not believed, and who is not there is not reached", async () => {
  await using server = await startServer((answer) => answer.end("{}"));
  using trusting = new Transport({ roots: server.roots, userAgent: "test", signal: NEVER });
  using other = new Transport({ userAgent: "test", signal: NEVER });

  assert.equal((await trusting.ask({ method: "GET", url: server.url })).text, "{}");
  const { host } = new URL(server.url);
  await fails(other, server.url, { kind: "untrusted", host, reason: "SELF_SIGNED_CERT_IN_CHAIN" });
  const nobody = "https://127.0.0.1:1/";
  await fails(trusting, nobody, { kind: "unreachable", host: "127.0.0.1:1", reason: "ECONNREFUSED" });
  await fails(trusting, "http://127.0.0.1/", { kind: "malformed", what: "an address" });
});

test("a root that is given is believed beside those that everybody knows", async () => {
  await using known = await startServer((answer) => answer.end("{}"));
  await using given = await startServer((answer) => answer.end("{}"));
  const before = getCACertificates();
  setDefaultCACertificates([known.roots]);
  try {
    using transport = new Transport({ roots: given.roots, userAgent: "test", signal: NEVER });

    for (const { url } of [known, given])
      assert.equal((await transport.ask({ method: "GET", url })).status, 200);
  } finally {
    setDefaultCACertificates(before);
  }
});

test("an answer that does not end is given up after its time, and at once where the signal says so", async () => {
  await using server = await startServer((answer) => answer.write("{"));
  const { roots, url } = server;
  const stop = new AbortController();
  using hasty = new Transport({ roots, userAgent: "test", signal: NEVER, answerMs: 50 });
  using patient = new Transport({ roots, userAgent: "test", signal: stop.signal });

  await fails(hasty, url, { kind: "unreachable", host: new URL(url).host, reason: "ETIMEDOUT" });
  const asked = patient.ask({ method: "GET", url });
  stop.abort(new Error("we stop"));

  await assert.rejects(asked, /^Error: we stop$/);
  await assert.rejects(patient.ask({ method: "GET", url }), /^Error: we stop$/);
});

test("a connection that the server has closed meanwhile is no failure", async () => {
  const known = new Set<unknown>();
  await using server = await startServer((answer) => {
    if (known.has(answer.socket)) answer.socket?.destroy();
    else answer.end("{}");
    known.add(answer.socket);
  });
  using transport = new Transport({ roots: server.roots, userAgent: "test", signal: NEVER });

  for (let count = 0; count < 3; count++)
    assert.equal((await transport.ask({ method: "GET", url: server.url })).status, 200);

  assert.equal(known.size, 3);
});

test("a redirect is an answer, and not followed", async () => {
  await using server = await startServer((answer) =>
    answer.writeHead(302, { location: "https://127.0.0.1:1/" }).end(),
  );
  using transport = new Transport({ roots: server.roots, userAgent: "test", signal: NEVER });

  assert.equal((await transport.ask({ method: "GET", url: server.url })).status, 302);
});

for (const [text, wait] of [
  ["120", 120_000],
  ["0", 1_000],
  ["Thu, 01 Jan 1970 01:00:00 GMT", 3_600_000],
  ["Wed, 31 Dec 1969 00:00:00 GMT", 1_000],
  ["999999999", 7 * 24 * 3_600_000],
  ["soon", undefined],
] as const)
  test(`Retry-After: ${text} is ${wait} ms`, () => {
    assert.equal(retryAfterMs({ "retry-after": text }, 0), wait);
  });

async function fails(transport: Transport, url: string, fault: AcmeFault): Promise<void> {
  await assert.rejects(transport.ask({ method: "GET", url }), (error: { fault: AcmeFault }) => {
    assert.deepEqual(error.fault, fault);
    return true;
  });
}

async function startServer(answer: (response: ServerResponse) => void) {
  const authority = await createAuthority({ name: "test", now: Date.now() });
  const { certificate, privateKey } = await issueServerCertificate(authority, {
    hosts: ["127.0.0.1"],
    now: Date.now(),
  });
  const server = createServer({ cert: certificate, key: privateKey }, (_asked, response) => answer(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("there is no port");
  return {
    url: `https://127.0.0.1:${address.port}/`,
    roots: authority.certificate,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
