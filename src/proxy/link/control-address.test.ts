import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createServer, type TLSSocket } from "node:tls";
import { createAuthority, issueNodeCertificate, issueServerCertificate } from "#tls/authority.ts";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import { isEmpty } from "./answers.ts";
import { controlAddress } from "./control-address.ts";
import { LinkClient } from "./link-client.ts";

const now = Date.now();
const authority = await createAuthority({ name: "test", now });

test("a name is said to whoever routes by it, an address is not", () => {
  const addresses = ["https://control.example.com", "https://192.0.2.1:8443", "https://[2001:db8::1]:8443"];

  assert.deepEqual(
    addresses.map((url) => controlAddress(new URL(url))),
    [
      { host: "control.example.com", port: 443, servername: "control.example.com" },
      { host: "192.0.2.1", port: 8443, servername: "" },
      { host: "2001:db8::1", port: 8443, servername: "" },
    ],
  );
});

/** Says which names it was called by, and hangs up. */
async function startNamed() {
  const { certificate: cert, privateKey: key } = await issueServerCertificate(authority, {
    hosts: ["localhost"],
    now,
  });
  const server = createServer({ cert: cert + authority.certificate, key });
  const names: (string | false | null)[] = [];
  server.on("secureConnection", (socket: TLSSocket) => {
    socket.on("error", () => {});
    names.push(socket.servername);
    socket.destroy();
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  return { url, names, [Symbol.dispose]: () => void server.close() };
}

test("the channel is opened by control's name", async () => {
  using control = await startNamed();
  const { request, privateKey } = await createCertificateRequest();
  const identity = { nodeId: "n", installationId: "i", request, now };
  const certificate = await issueNodeCertificate(authority, identity);
  const credentials = { authority: authority.certificate, certificate, privateKey };
  using client = new LinkClient({ controls: [control.url], credentials, obey: async () => ({}) });

  await assert.rejects(client.call("heartbeat", {}, isEmpty, { deadlineMs: 60_000 }));

  assert.deepEqual(control.names, ["localhost"]);
});
