import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Node as ListedNode } from "#wire/api.ts";
import type { PublicIpRange } from "#wire/public-ip-ranges.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { startReplicas } from "../harness/replica.ts";
import { scratch } from "../harness/scratch.ts";
import { createDatabase } from "../harness/shared-postgres.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

/** It has no address of its own; all of 127.0.0.0/8 leads to this machine. */
const EVERYWHERE = ["--listen", "0.0.0.0:0"];

test("nodes without an address are given one each, serve consoles at it, and keep it when they restart", async () => {
  await using folder = scratch();
  await using control = await startControl();
  await addRange(control, "127.0.1.1-127.0.1.3");
  const data = join(folder.path, "node");
  const first = await startNode(control, { args: EVERYWHERE, data });
  await using second = await startNode(control, { args: EVERYWHERE });
  const [given, other] = [new URL(first.node), new URL(second.node)];
  assert.deepEqual([given.hostname, other.hostname], ["127.0.1.1", "127.0.1.2"]);

  assert.equal(await open(control, "one"), first.node);
  await first[Symbol.asyncDispose]();
  await using third = await startNode(control, { args: EVERYWHERE });
  await using again = await startNode(control, { args: EVERYWHERE, data });

  assert.equal(again.id, first.id);
  assert.equal(new URL(again.node).hostname, "127.0.1.1");
  assert.equal(new URL(third.node).hostname, "127.0.1.3");
  const { items } = await control.api.call<{ items: ListedNode[] }>("GET", "nodes");
  assert.deepEqual(
    new Set(items.map(({ pageOrigin, givenAddress }) => `${givenAddress} ${pageOrigin}`)),
    new Set([again, second, third].map(({ node }) => `${new URL(node).hostname} ${node}`)),
  );
});

test("a node that finds no address left ends and says what helps, and starts once one was given back", async () => {
  await using control = await startControl();
  await assert.rejects(startNode(control, { args: EVERYWHERE }), /default has no public IP range/);
  const { id } = await addRange(control, "127.0.1.1");
  const first = await startNode(control, { args: EVERYWHERE });

  await assert.rejects(startNode(control, { args: EVERYWHERE }), (error: Error) => {
    assert.match(error.message, /all public addresses of the pool default are given/);
    assert.match(error.message, /porthole public-ip-range add.*porthole node remove.*--public-address/);
    return true;
  });
  await first[Symbol.asyncDispose]();
  await assert.rejects(control.api.call("DELETE", `public-ip-ranges/${id}`), /addresses of it: 127\.0\.1\.1/);
  await control.api.call("DELETE", `nodes/${first.id}`);

  await using next = await startNode(control, { args: EVERYWHERE });
  assert.equal(new URL(next.node).hostname, "127.0.1.1");
});

test("of nodes that start at once at three replicas each is given another address", {
  skip: lackingPostgres,
}, async () => {
  await using database = await createDatabase();
  await using fleet = await startReplicas(3, database);
  const [replica] = fleet.replicas;
  assert.ok(replica !== undefined);
  const api = replica.api(fleet.keys);
  await api.call("POST", "public-ip-ranges", { range: "127.0.1.0/29" });
  const { token: joinToken } = await api.call<{ token: string }>("POST", "join-tokens", { uses: 10 });
  await using started = new AsyncDisposableStack();

  const nodes: Node[] = await Promise.all(
    fleet.replicas.map(async ({ link }) =>
      started.use(await startNode({ link, joinToken }, { args: EVERYWHERE })),
    ),
  );

  const hosts = nodes.map(({ node }) => new URL(node).hostname).sort();
  assert.deepEqual(hosts, ["127.0.1.1", "127.0.1.2", "127.0.1.3"]);
});

async function addRange({ api }: Control, range: string): Promise<PublicIpRange> {
  return await api.call<PublicIpRange>("POST", "public-ip-ranges", { range });
}

/** Opens a console where its link leads, to the machine's first words; resolves to the link's origin. */
async function open({ api }: Control, name: string): Promise<string> {
  await using machine = await startRfbUpstream();
  const { address } = machine.upstream;
  assert.ok(address.kind === "tcp");
  const { id } = await api.addMachine({ name, protocol: "rfb", address: `${address.host}:${address.port}` });
  const { url, websocket } = await api.openConsole(id);
  const { origin } = new URL(url);
  await using viewer = await TestViewer.porthole(
    `http://${websocket.host}:${websocket.port}`,
    websocket.token,
  );
  await viewer.handshake();
  return origin;
}
