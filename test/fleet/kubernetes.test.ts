import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { NodeAuthority } from "#wire/api.ts";
import { startControl } from "../harness/porthole.ts";
import { firstLine, startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";
import { startTokenReview } from "../peers/token-review.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

test("a pod joins with its own token, knowing control by its CA, and is of its launcher's pool", async () => {
  const pod = { username: "system:serviceaccount:consoles:node", audiences: ["porthole"], pod: "node-0" };
  await using peer = await startTokenReview({ "the.pods.token": pod });
  await using control = await startControl({
    args: [
      ...["--kubernetes-service-accounts", "consoles/node", "--kubernetes-api", peer.api],
      ...["--kubernetes-authority-file", peer.authorityFile, "--kubernetes-token-file", peer.tokenFile],
      ...["--launchers", "edge=kubernetes:consoles/node"],
    ],
  });
  await using folder = scratch();
  const { certificate } = await control.api.call<NodeAuthority>("GET", "node-authority");
  writeFileSync(join(folder.path, "ca.pem"), certificate);
  writeFileSync(join(folder.path, "token"), "the.pods.token");

  await using node = await startProcess(process.execPath, [
    ...[MAIN, "proxy", "--control", control.link, "--data", join(folder.path, "data"), "--json"],
    ...["--join-service-account-token-file", join(folder.path, "token"), "--listen", "127.0.0.1:0"],
    ...["--authority-file", join(folder.path, "ca.pem")],
  ]);
  const { id } = JSON.parse(await firstLine(node));

  const { items } = await control.api.call<{ items: { id: string; agentState: string; pool: string }[] }>(
    "GET",
    "nodes",
  );
  assert.deepEqual(
    items.map((item) => [item.id, item.agentState, item.pool]),
    [[id, "up", "edge"]],
  );
  for (const { stderr } of [node, control.process]) assert.ok(!stderr.text.includes("the.pods.token"));
});
