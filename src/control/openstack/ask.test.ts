import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { testCertificate } from "../../../test/harness/test-certificates.ts";
import { ask } from "./ask.ts";

const { signal } = new AbortController();

async function serve(listener: RequestListener, tls?: { readonly cert: string; readonly key: string }) {
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`${tls === undefined ? "http" : "https"}://localhost:${port}/v2.1`),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const get = { method: "GET", headers: { "x-auth-token": "s3cret" }, ca: undefined, signal } as const;

test("a redirect is an answer, and what a question brings is shown to nobody else", async () => {
  const seen: string[] = [];
  await using elsewhere = await serve((request, response) => {
    seen.push(request.url ?? "");
    response.end();
  });
  await using server = await serve((_request, response) =>
    response.writeHead(302, { location: elsewhere.url.href }).end("moved"),
  );

  const { status, body } = await ask({ ...get, url: server.url });

  assert.deepEqual([status, body, seen], [302, undefined, []]);
});

test("a service is known by its authority, and not spoken to where it is another's", async () => {
  const authority = await testCertificate({ commonName: "cloud" });
  const stranger = await testCertificate({ commonName: "stranger" });
  const { pem: cert, keyPem: key } = await testCertificate({ names: ["localhost"], issuer: authority });
  const seen: string[] = [];
  await using server = await serve(
    (request, response) => {
      seen.push(String(request.headers["x-auth-token"]));
      response.end('{"a":1}');
    },
    { cert, key },
  );

  assert.deepEqual((await ask({ ...get, url: server.url, ca: authority.pem })).body, { a: 1 });
  await assert.rejects(ask({ ...get, url: server.url, ca: stranger.pem }));
  await assert.rejects(ask({ ...get, url: server.url }));
  assert.deepEqual(seen, ["s3cret"]);
});

test("an answer without end, and one that does not come, are given up", async () => {
  await using endless = await serve((_request, response) => {
    const more = () => {
      if (!response.destroyed) response.write(Buffer.alloc(64 * 1024), more);
    };
    more();
  });
  await assert.rejects(ask({ ...get, url: endless.url }), /more than 1048576 bytes/);

  const giveUp = new AbortController();
  await using silent = await serve((_request, response) => {
    response.write("{");
    giveUp.abort(new Error("no longer"));
  });
  await assert.rejects(ask({ ...get, url: silent.url, signal: giveUp.signal }));
});
