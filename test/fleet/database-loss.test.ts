import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { test } from "node:test";
import type { JoinToken } from "#wire/api.ts";
import { ERRORS } from "#wire/errors.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { startNode } from "../harness/porthole.ts";
import { lackingPostgres, startPostgres } from "../harness/postgres.ts";
import { startReplicas } from "../harness/replica.ts";
import { scratch } from "../harness/scratch.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const { meaning, status } = ERRORS.database_unavailable;

test("a replica without its database says so in every API, keeps its nodes, and recovers by itself", {
  skip: lackingPostgres,
}, async () => {
  await using folder = scratch();
  await using postgres = await startPostgres({ at: folder });
  const { url } = await postgres.createDatabase();
  await using started = await startReplicas(1, { url });
  const { replicas, keys } = started;
  const [replica] = replicas;
  assert.ok(replica !== undefined);
  const api = replica.api(keys);
  await using way = await startWay(replica.link);
  const { token: joinToken }: JoinToken = await api.call("POST", "join-tokens", { uses: 1 });
  await using node = await startNode({ link: way.link, joinToken });
  await using machine = await startRfbUpstream();
  const { address } = machine.upstream;
  assert.ok(address.kind === "tcp");
  const { id } = await api.addMachine({
    name: "m",
    protocol: "rfb",
    address: `${address.host}:${address.port}`,
  });
  await using viewer = await TestViewer.bare(node.node, await ticketFor());
  await viewer.handshake();
  const ways = way.connections();

  await postgres.process.stop("SIGINT");

  const basic = `Basic ${Buffer.from(`${keys.apiKey}:${keys.secretKey}`).toString("base64")}`;
  const native = await fetch(`${replica.control}/api/v1/machines`, { headers: { authorization: basic } });
  assert.equal(native.status, status);
  assert.equal(native.headers.get("retry-after"), "5");
  const { error } = (await native.json()) as { error: { code: string; retryable: boolean } };
  assert.deepEqual([error.code, error.retryable], ["database_unavailable", true]);

  const query = new URLSearchParams({ command: "listVirtualMachines", apiKey: "x", signature: "y" });
  for (const response of ["json", "xml"]) {
    const cloudStack = await fetch(`${replica.control}/client/api?${query}&response=${response}`);
    assert.equal(cloudStack.status, status);
    assert.ok((await cloudStack.text()).includes(meaning));
  }

  const page = await fetch(`${replica.control}/machines/${id}/console`, {
    headers: { cookie: "porthole=x", accept: "text/html", "sec-fetch-site": "same-origin" },
  });
  assert.equal(page.status, status);
  assert.match(page.headers.get("content-type") ?? "", /html/);
  assert.ok((await page.text()).includes(meaning));

  await eventually(() => assert.match(node.process.stderr.text, /Control does not answer as it should/));
  await using again = await startPostgres({ at: folder, port: postgres.port });
  await eventually(async () => assert.equal((await api.machines()).length, 1));
  await eventually(() => assert.match(node.process.stderr.text, /Control answers again/));

  assert.equal(way.connections(), ways, "the node's link was never cut");
  assert.equal(viewer.closed, undefined);
  await using another = await TestViewer.bare(node.node, await eventually(ticketFor));
  await another.handshake();
  assert.ok(again.port === postgres.port);

  async function ticketFor(): Promise<string> {
    const { url: page } = await api.openConsole(id);
    const ticket = new URLSearchParams(new URL(page).hash.slice(1)).get("token");
    assert.ok(ticket !== null);
    return ticket;
  }
});

interface Way extends AsyncDisposable {
  /** The link, by this way. */
  readonly link: string;
  /** How many connections there have been. */
  connections(): number;
}

/** A TCP proxy that counts. */
async function startWay(link: string): Promise<Way> {
  let connections = 0;
  const server = createServer((near) => {
    connections++;
    const far = connect(Number(new URL(link).port), LOOPBACK);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
      one.pipe(other);
    }
  }).listen(0, LOOPBACK);
  await once(server, "listening");
  return {
    link: `https://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
