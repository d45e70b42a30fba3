import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Hypervisor } from "#wire/hypervisors.ts";
import { startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { lackingLibvirt as skip, startLibvirt } from "../peers/libvirt.ts";
import { testDomain, testDriver } from "../peers/libvirt-domains.ts";
import { startProxmoxStage } from "../peers/proxmox-stage.ts";
import { lackingQemu } from "../peers/qemu.ts";

test("a hypervisor is added, tested up to the step that fails, listed and removed", async () => {
  await using line = await startCommandLine();
  await line.json("hypervisor", "add", "host7", "--address", "test:///default?socket=/nonesuch");

  const tested = await line.porthole(["hypervisor", "test", "host7"]);
  const out = await eventually(async () => {
    const listed = await line.porthole(["hypervisor", "list"]);
    assert.match(listed.out, /down/);
    return listed.out;
  });
  const tls = ["--console-tls", "insecure"];
  const told = await line.json<Hypervisor>("hypervisor", "update", "host7", ...tls);
  const bare = await line.porthole(["hypervisor", "update", "host7", "--console-pin", "sha1:00"]);
  const untold = await line.json<Hypervisor>("hypervisor", "update", "host7", "--no-console-tls");
  const address = "test:///default?socket=/elsewhere";
  const update = ["hypervisor", "update", "host7", "--address", address, "--read-only", "--no-credentials"];
  const changed = await line.porthole([...update, "--name", "host8"]);
  await eventually(async () =>
    assert.match((await line.porthole(["hypervisor", "list"])).out, /^host8 .*down .*elsewhere/m),
  );
  const writable = await line.json<Hypervisor>("hypervisor", "update", "host8", "--no-read-only");
  const removed = await line.porthole(["hypervisor", "remove", "host8"]);

  assert.deepEqual([told.consoleTls, untold.consoleTls, bare.status], [{ mode: "insecure" }, undefined, 2]);
  assert.deepEqual([changed.out.trim(), writable.readOnly], ["host8 is changed.", false]);
  assert.deepEqual([writable.address, writable.name], [address, "host8"]);
  assert.match(bare.err, /--console-tls verify, pin or insecure/);
  assert.deepEqual([tested.status, removed.status], [1, 0]);
  assert.match(tested.err, /fails at “socket”: .*ENOENT/);
  assert.match(out, /^host7 +libvirt +test:\/\/\/default.* 0 +0 .*socket: .*ENOENT/m);
});

test("one that is tested says which of its nodes do not answer", { skip: lackingQemu }, async () => {
  await using line = await startCommandLine();
  await using stage = await startProxmoxStage();
  const { api } = stage;
  const put = (name: string, text: string) => {
    writeFileSync(join(line.folder, name), text, { mode: 0o600 });
    return name;
  };
  const opening = ["--username", api.tokenId, "--secret-file", put("token", api.secret)];
  const trusted = ["--ca-file", put("ca.pem", api.authority.pem)];
  const added = ["hypervisor", "add", "pve", "--platform", "proxmox", "--address", api.address];
  await line.json(...added, ...opening, ...trusted);
  api.cluster.down.add("pve2");

  const { status, out } = await line.porthole(["hypervisor", "test", "pve"]);

  assert.deepEqual(
    [status, out.trim()],
    [0, "pve answers, and has 1 machine. No answer from pve2: its machines stay as they are on record."],
  );
});

test("machines of a hypervisor come by rule, wait, are assigned, and are listed with how they are", {
  skip,
}, async () => {
  await using line = await startCommandLine();
  await using libvirt = await startLibvirt();
  const domains = ["web-1", "web-2", "db", "lab"].map((name) => testDomain({ uuid: randomUUID(), name }));
  const address = `${testDriver(libvirt, domains)}?socket=${libvirt.socket}`;
  for (const project of ["shop", "backend"]) await line.json("project", "add", project);

  const bad = await line.porthole(["hypervisor", "add", "h", "--address", address, "--rule", "web-*"]);
  await line.json("hypervisor", "add", "host7", "--address", address, "--rule", "web-*=shop");
  await eventually(async () => {
    const { out } = await line.porthole(["machine", "list", "--waiting"]);
    assert.match(out, /^db +host7 +running/m);
    assert.match(out, /^lab +host7 +running/m);
    assert.doesNotMatch(out, /web-/);
  });
  const assigned = await line.porthole(["machine", "assign", "lab", "--project", "backend"]);
  const updated = await line.porthole([
    "hypervisor",
    "update",
    "host7",
    "--rule",
    "d*=backend",
    "--project",
    "shop",
  ]);
  await eventually(async () => {
    const { out } = await line.porthole(["machine", "list"]);
    assert.match(out, /^db +backend +running .* host7$/m);
    assert.match(out, /^web-1 +shop +running .* host7$/m);
    assert.match(out, /^lab +backend +running .* host7$/m);
  });
  const refused = await line.porthole(["machine", "update", "db", "--name", "mine"]);
  const removed = await line.porthole(["machine", "remove", "db"]);
  const waiting = await line.porthole(["machine", "list", "--waiting"]);
  const nothing = await line.porthole(["hypervisor", "update", "host7"]);
  const none = await line.porthole(["hypervisor", "update", "host7", "--no-rules"]);

  assert.deepEqual([bad.status, assigned.status, updated.status, removed.status], [2, 0, 0, 0]);
  assert.match(bad.err, /NAME=PROJECT/);
  assert.match(assigned.out, /“lab” is in the project “backend”/);
  assert.match(updated.out, /come d\* into backend, \* into shop/);
  assert.deepEqual([refused.status, nothing.status, none.status], [2, 2, 0]);
  assert.match(refused.err, /its hypervisor says so/);
  assert.match(waiting.out, /^db +host7/m);
  await line.json("hypervisor", "remove", "host7");
  assert.deepEqual(await line.json("machine", "list"), []);
});
