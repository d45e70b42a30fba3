import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { SelfCheck } from "#wire/self-check.ts";
import { diagnose, runDoctor } from "../harness/doctor.ts";
import { eventually } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet.ts";
import { startControl } from "../harness/porthole.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { createDatabase } from "../harness/shared-postgres.ts";
import { testChain } from "../harness/test-certificates.ts";
import { openInstallation } from "../harness/tls-installation.ts";

test("of an installation that works the doctor finds nothing that fails, and says so", async () => {
  await using at = await openInstallation();

  const found = await diagnose(at.control);
  const { status, out, err } = await runDoctor(at.control);

  assert.equal(found.status, 0);
  assert.deepEqual({ ...found.summary, ok: 0, skipped: 0 }, { ok: 0, warning: 0, failed: 0, skipped: 0 });
  for (const check of ["control.database", "control.link", "node.page", "node.websocket", "node.hypervisor"])
    assert.deepEqual(found.of(check), ["ok"], check);
  for (const check of ["client.page", "client.websocket", "client.forwarding"])
    assert.deepEqual(found.of(check), ["ok"], check);
  assert.deepEqual({ status, err }, { status: 0, err: "" });
  assert.match(out, /^From control\nok {7}control and its database$/m);
  assert.match(out, /\n\d+ ok, 0 warnings, 0 failed, \d+ skipped\n$/);
});

test("with TLS it warns of the installation's own CA until that is known where it runs", async () => {
  await using at = await openInstallation();
  await at.enable();
  const authority = join(at.folder, "authority.pem");
  writeFileSync(authority, at.ca);

  const unknown = await diagnose(at.control);
  const known = await diagnose(at.control, [], { NODE_EXTRA_CA_CERTS: authority });

  assert.deepEqual(unknown.of("client.tls"), ["tls_own_authority"]);
  assert.equal(unknown.line("client.tls")?.facts["names"], "127.0.0.1", "what browsers look at, and no more");
  assert.deepEqual(unknown.of("node.tls"), ["ok"], "the node has that CA from control");
  assert.match(unknown.line("client.tls")?.remedy ?? "", /porthole node authority/);
  assert.deepEqual(unknown.of("control.certificate"), ["ok"]);
  assert.deepEqual(known.of("client.tls"), ["ok"]);
  assert.deepEqual([unknown.status, known.status], [0, 0]);
  assert.equal(known.summary.warning, 0);
  assert.deepEqual(known.of("client.websocket"), ["ok"]);
});

test("a certificate of a CA that nobody knows where it runs is told with its chain", async () => {
  await using at = await openInstallation();
  const { leaf, lower, upper, root } = await testChain({ names: ["127.0.0.1"] });
  await at.control.api.call("POST", "certificates", {
    certificate: [leaf, lower, upper, root].map(({ pem }) => pem).join(""),
    privateKey: leaf.keyPem,
  });
  await at.enable();

  const found = await diagnose(at.control);

  assert.equal(found.status, 6);
  // The root is left out of what nodes send.
  assert.deepEqual(found.of("client.tls"), ["tls_unknown_authority"]);
  assert.equal(found.line("client.tls")?.facts["not sent"], "root");
  assert.match(found.line("client.tls")?.facts["chain"] ?? "", /lower ← upper/);
});

test("a name that nobody knows is found from both sides, and the exit status says that something fails", async () => {
  await using at = await openInstallation();
  await at.set("consoleproxy.url.domain", "*.console.invalid");
  await at.enable();

  const found = await diagnose(at.control);
  const { status, out, err } = await runDoctor(at.control);

  assert.deepEqual([found.status, status], [6, 6]);
  for (const check of ["control.name", "client.name"]) {
    const line = found.line(check);
    assert.equal(line?.result, "failed", check);
    assert.match(`${line?.subject}`, /127-0-0-1\.console\.invalid/);
    assert.match(line?.remedy ?? "", /docs\/operations\/dns\.md|resolv\.conf/);
  }
  assert.deepEqual(found.of("client.page"), ["skipped_earlier"]);
  assert.match(out, /^FAILED {3}a node's name/m);
  assert.match(out, /^ {9}→ /m);
  assert.match(err, /checks failed\n.*docs\/operations\/doctor\.md/);
});

test("a node that is away is told as such, and not looked for", async () => {
  await using at = await openInstallation();
  await at.node.process.stop("SIGKILL");
  await eventually(async () => assert.equal((await at.nodes())[0]?.agentState, "down"));

  const found = await diagnose(at.control);

  assert.equal(found.status, 6);
  assert.deepEqual(found.of("control.link"), ["link_down"]);
  assert.match(found.line("control.link")?.facts["silent for"] ?? "", /^\d+ s$/);
  assert.deepEqual(found.of("client.page"), []);
  assert.deepEqual(found.of("node.check"), ["skipped_node_away"]);
});

test("while too many have nodes look already, what control and this machine see is told all the same", async () => {
  await using at = await openInstallation();
  const { pid } = at.node.process;

  // A node that stands still keeps those waiting who asked for it.
  const { out, err } = await eventually(async () => {
    process.kill(pid, "SIGSTOP");
    try {
      const ask = async () => await at.control.api.call("POST", "self-check/nodes", {});
      const asking = Array.from({ length: 8 }, ask);
      const ran = await runDoctor(at.control);
      await Promise.allSettled(asking);
      assert.equal(ran.status, 5, ran.err);
      return ran;
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });

  assert.match(out, /^ok {7}control and its database$/m);
  assert.match(out, /^From here$/m);
  assert.doesNotMatch(out, /^From the nodes$/m);
  assert.match(err, /^porthole: Too many requests/);
});

test("without any node that is what it says, and of a node that there is not it says so", async () => {
  await using control = await startControl();

  const found = await diagnose(control);
  const nobody = await runDoctor(control, ["--node", "nobody"]);

  assert.equal(found.status, 6);
  assert.deepEqual(found.of("control.link"), ["no_nodes"]);
  assert.equal(nobody.status, 3);
  assert.equal((await runDoctor(control, ["--resolver", "nonsense"])).status, 2);
});

test("a node whose channel another replica holds is asked all the same", {
  skip: lackingPostgres,
}, async () => {
  await using fleet = await startFleet(2, await createDatabase());
  const node = await fleet.node({ links: [fleet.replicas[1]?.link ?? ""] });

  const { lines } = await fleet.api(0).call<SelfCheck>("POST", "self-check/nodes", {});

  assert.ok(lines.length > 3);
  assert.ok(lines.every(({ nodeId, check }) => nodeId === node.id && check !== "node.check"));
  assert.deepEqual(
    lines.filter(({ check }) => check === "node.hypervisor").map(({ finding }) => finding),
    ["ok"],
  );
});
