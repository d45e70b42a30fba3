import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startCommandLine } from "../harness/command-line.ts";
import { testCertificate } from "../harness/test-certificates.ts";

test("machines are reached by TLS as it is said at once, and no key is shown", async () => {
  await using line = await startCommandLine();
  const certificate = await testCertificate({ names: ["node.example.com"] });
  const [ca, key] = [join(line.folder, "ca.pem"), join(line.folder, "client.key")];
  writeFileSync(ca, certificate.pem);
  writeFileSync(key, certificate.keyPem);
  const verify = ["--tls", "verify", "--ca-file", ca, "--server-name", "kvm.example.com"];
  const client = ["--client-cert", ca, "--client-key", key];

  await line.json("machine", "add", "t1", "--address", "127.0.0.1:1", ...verify, ...client);
  const shown = await line.porthole(["machine", "show", "t1", "--json"]);
  const table = await line.porthole(["machine", "show", "t1"]);
  const bare = await line.porthole(["machine", "update", "t1", "--pin", "sha1:00"]);
  const refused = await line.porthole(["machine", "update", "t1", "--tls", "pin", "--pin", "sha1:00"]);
  const taken = await line.json<{ readonly tls?: unknown }>("machine", "update", "t1", "--no-tls");

  const { tls } = JSON.parse(shown.out);
  assert.deepEqual([tls.mode, tls.ca, tls.serverName], ["verify", certificate.pem, "kvm.example.com"]);
  assert.doesNotMatch(shown.out + table.out, /PRIVATE/);
  assert.match(table.out, /verify/);
  assert.deepEqual([bare.status, refused.status, taken.tls], [2, 2, undefined]);
  assert.match(bare.err, /--tls verify, pin or insecure/);
  assert.match(refused.err, /sha256: and 64 hexadecimal digits, or sha1: and 40/);
  await line.json("machine", "remove", "t1");
});
