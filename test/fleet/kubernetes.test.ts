import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { NodeAuthority } from "#wire/certificate.ts";
import { type Control, startControl } from "../harness/porthole.ts";
import { firstLine, startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";
import { startTokenReview } from "../peers/token-review.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

const POD = { username: "system:serviceaccount:consoles:node", audiences: ["porthole"], pod: "node-0" };

test("a pod joins with its own token, knowing control by its CA, and is of its launcher's pool", async () => {
  await using cluster = await openCluster();
  const { control } = cluster;

  await using node = await cluster.startPod();
  const { id } = JSON.parse(await firstLine(node));

  assert.deepEqual(
    (await nodesOf(control)).map((item) => [item.id, item.agentState, item.pool]),
    [[id, "up", "edge"]],
  );
  for (const { stderr } of [node, control.process]) assert.ok(!stderr.text.includes("the.pods.token"));
});

test("a pod that is made again on the disk of a node that was removed is a new node", async () => {
  await using cluster = await openCluster();
  const { control } = cluster;
  const before = await cluster.startPod();
  const { id: old } = JSON.parse(await firstLine(before));
  await before.stop();
  await control.api.call("DELETE", `nodes/${old}`);

  await using node = await cluster.startPod();
  const { id } = JSON.parse(await firstLine(node));

  assert.notEqual(id, old);
  assert.deepEqual(
    (await nodesOf(control)).map((item) => [item.id, item.agentState]),
    [[id, "up"]],
  );
  await node.stop();
  await using again = await cluster.startPod();
  assert.equal(JSON.parse(await firstLine(again)).id, id, "the new identity is on its disk");
});

test("a pod whose node was revoked does not come back by itself", async () => {
  await using cluster = await openCluster();
  const { control } = cluster;
  await using node = await cluster.startPod();
  const { id } = JSON.parse(await firstLine(node));

  await control.api.call("POST", `nodes/${id}/revoke`);

  assert.equal(await node.exited, 1);
  await using again = await cluster.startPod();
  assert.equal(await again.exited, 1);
  assert.match(again.stderr.text, /or was revoked/);
  assert.deepEqual(
    (await nodesOf(control)).map((item) => item.id),
    [id],
  );
});

/** A control whose pods may join, and the disk of one. */
async function openCluster() {
  await using opened = new AsyncDisposableStack();
  const peer = opened.use(await startTokenReview({ "the.pods.token": POD }));
  const control = opened.use(
    await startControl({
      args: [
        ...["--kubernetes-service-accounts", "consoles/node", "--kubernetes-api", peer.api],
        ...["--kubernetes-authority-file", peer.authorityFile, "--kubernetes-token-file", peer.tokenFile],
        ...["--launchers", "edge=kubernetes:consoles/node"],
      ],
    }),
  );
  const { path: folder } = opened.use(scratch());
  const { certificate } = await control.api.call<NodeAuthority>("GET", "node-authority");
  writeFileSync(join(folder, "ca.pem"), certificate);
  writeFileSync(join(folder, "token"), "the.pods.token");
  const startPod = async () =>
    await startProcess(process.execPath, [
      ...[MAIN, "proxy", "--control", control.link, "--data", join(folder, "data"), "--json"],
      ...["--join-service-account-token-file", join(folder, "token"), "--listen", "127.0.0.1:0"],
      ...["--authority-file", join(folder, "ca.pem")],
    ]);
  const owned = opened.move();
  return { control, startPod, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

async function nodesOf({ api }: Control) {
  const nodes = await api.call<{ items: { id: string; agentState: string; pool: string }[] }>("GET", "nodes");
  return nodes.items;
}
