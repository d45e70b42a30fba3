import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import type { Node } from "#wire/api.ts";
import type { Certificate } from "#wire/certificate.ts";
import { type CommandLine, startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { lacking } from "../harness/requirements.ts";

const skip = lacking("openssl");

let line: CommandLine;
before(async () => {
  line = await startCommandLine();
  await line.control.api.call("PUT", "settings/consoleproxy.loadscan.interval", { value: "1000" });
});
after(async () => await line[Symbol.asyncDispose]());

test("the command line warns of a certificate that ends soon, beside what it was asked for", {
  skip,
}, async () => {
  const uploaded = await upload("5");
  await line.control.api.call("PUT", "settings/consoleproxy.sslEnabled", { value: "true" });
  const [certificate] = await line.json<readonly Certificate[]>("certificate", "list");
  await eventually(async () => {
    const [node] = await line.json<readonly Node[]>("node", "list");
    assert.equal(node?.certificate?.chainId, certificate?.chainId);
  });

  const certificates = await line.porthole(["certificate", "list"]);
  const nodes = await line.porthole(["node", "list"]);
  const node = await line.porthole(["node", "show", line.node.id]);

  const end = certificate?.notAfter.slice(0, 10);
  const next = "Upload the next one: porthole certificate upload";
  for (const { err } of [uploaded, certificates])
    assert.equal(
      err.trim(),
      `porthole: warning: the certificate of 127.0.0.1 (all pools) ends in 5 days, on ${end}. ${next}`,
    );
  for (const { err, out } of [nodes, node]) {
    assert.equal(
      err.trim(),
      `porthole: warning: the certificate that node ${line.node.id} serves ends in 5 days, on ${end}. ${next}`,
    );
    assert.match(out, /CERTIFICATE UNTIL/);
  }
});

test("it says nothing of one that is good for long", { skip }, async () => {
  const uploaded = await upload("60");

  const listed = await line.porthole(["certificate", "list"]);

  for (const { err, status } of [uploaded, listed]) assert.deepEqual([err, status], ["", 0]);
});

async function upload(days: string) {
  const request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=node";
  execFileSync("openssl", [...request.split(" "), "-addext", "subjectAltName=IP:127.0.0.1", "-days", days], {
    cwd: line.folder,
    stdio: "pipe",
  });
  return await line.porthole(["certificate", "upload", "--certificate", "cert.pem", "--key", "key.pem"]);
}
