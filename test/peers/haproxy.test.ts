import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createAuthority, issueServerCertificate } from "#tls/authority.ts";
import { startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";
import { recipe } from "./front-proxies.ts";
import { lackingHaproxy } from "./haproxy.ts";

test("haproxy finds nothing wrong with the example of the documentation", {
  skip: lackingHaproxy,
}, async () => {
  await using folder = scratch();
  const [file, certificateFile] = [join(folder.path, "haproxy.cfg"), join(folder.path, "console.pem")];
  const now = Date.now();
  const authority = await createAuthority({ name: "test", now });
  const { certificate, privateKey } = await issueServerCertificate(authority, { hosts: ["127.0.0.1"], now });
  writeFileSync(certificateFile, certificate + privateKey);
  const example = recipe("haproxy");
  assert.match(example, /\/etc\/haproxy\/console\.pem/);
  writeFileSync(file, example.replace("/etc/haproxy/console.pem", certificateFile));

  // With -dW what it merely warns of is an error.
  await using check = await startProcess("haproxy", ["-c", "-dW", "-f", file]);

  assert.equal(await check.exited, 0, check.stderr.text);
});
