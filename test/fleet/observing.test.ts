import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { readMetrics } from "../harness/metrics.ts";
import { type OtlpCollector, startOtlpCollector } from "../harness/otlp-collector.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { lackingPostgres, startPostgres } from "../harness/postgres.ts";
import { firstLine } from "../harness/process.ts";
import { startReplicaProcess } from "../harness/replica.ts";
import { scratch } from "../harness/scratch.ts";
import { startRfbUpstream, type TestUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const PICTURE = Buffer.alloc(5000, 7);
const HOSTILE = "secret-that-somebody-made-up";

let started: AsyncDisposableStack;
let collector: OtlpCollector;
let control: Control;
let node: Node;
let upstream: TestUpstream;
let machineId: string;

before(async () => {
  started = new AsyncDisposableStack();
  collector = started.use(await startOtlpCollector());
  const args = ["--admin-listen", "0", "--otlp-endpoint", collector.endpoint, "--log-level", "debug"];
  control = started.use(await startControl({ args }));
  node = started.use(await startNode(control, { args }));
  upstream = started.use(await startRfbUpstream(({ socket }) => socket.write(PICTURE)));
  const { address } = upstream.upstream;
  assert.ok(address.kind === "tcp");
  const machine = await control.api.addMachine({
    name: "watched",
    protocol: "rfb",
    address: `${address.host}:${address.port}`,
  });
  machineId = machine.id;
});
after(async () => await started?.[Symbol.asyncDispose]());

/** Opens a console and waits for what the machine shows. */
async function openConsole(): Promise<{
  readonly viewer: TestViewer;
  readonly ticket: string;
  readonly id: string;
}> {
  const { url, sessionId: id } = await control.api.openConsole(machineId);
  const ticket = ticketOf(url);
  const viewer = await TestViewer.porthole(node.websocket, ticket);
  await viewer.handshake();
  await eventually(() => assert.ok(viewer.received >= PICTURE.length));
  return { viewer, ticket, id };
}

function ticketOf(url: string): string {
  return new URLSearchParams(new URL(url).hash.slice(1)).get("token") ?? assert.fail(url);
}

describe("metrics", () => {
  test("tell of a console that is open, was open and was refused, at control and at the node", async () => {
    const before = await readMetrics(node.admin);
    const { viewer, ticket } = await openConsole();
    const open = await eventually(async () => {
      const metrics = await readMetrics(node.admin);
      assert.equal(metrics.get('porthole_node_sessions{protocol="rfb",state="active"}'), 1);
      return metrics;
    });
    await eventually(async () => {
      const metrics = await readMetrics(control.admin);
      assert.equal(metrics.get('porthole_control_sessions{protocol="rfb",state="active"}'), 1);
    });
    await assert.rejects(TestViewer.bare(node.websocket, ticket), /410/);
    viewer.webSocket.close(1000);

    const bytes = 'porthole_node_bytes_total{direction="to_viewer"}';
    assert.ok((open.get(bytes) ?? 0) - (before.get(bytes) ?? 0) >= PICTURE.length, "while it is open");
    await eventually(async () => {
      const [ofNode, ofControl] = [await readMetrics(node.admin), await readMetrics(control.admin)];
      assert.equal(ofNode.get('porthole_node_sessions{protocol="rfb",state="active"}') ?? 0, 0);
      assert.ok((ofNode.get(bytes) ?? 0) >= (open.get(bytes) ?? 0), "and when it is over");
      const expected = {
        'porthole_node_opens_total{protocol="rfb"}': ofNode,
        'porthole_node_refusals_total{reason="ticket_used"}': ofNode,
        'porthole_node_endings_total{protocol="rfb",kind="closed",reason="viewer_closed"}': ofNode,
        'porthole_node_redemption_seconds_count{result="ok"}': ofNode,
        'porthole_node_dial_seconds_count{result="ok"}': ofNode,
        'porthole_node_handshake_seconds_count{protocol="rfb"}': ofNode,
        porthole_node_link_up: ofNode,
        porthole_node_identity_end_time_seconds: ofNode,
        'porthole_control_opens_total{api="native",purpose="console"}': ofControl,
        'porthole_control_redemption_seconds_count{result="ok"}': ofControl,
        porthole_control_redemptions_total: ofControl,
        porthole_control_issue_seconds_count: ofControl,
        'porthole_control_nodes{state="up"}': ofControl,
        porthole_control_link_channels: ofControl,
        porthole_database_up: ofControl,
        'porthole_certificate_end_time_seconds{kind="authority",pool="*"}': ofControl,
        'porthole_audit_rows_total{action="console.end",result="ok"}': ofControl,
      };
      for (const [name, metrics] of Object.entries(expected)) assert.ok((metrics.get(name) ?? 0) >= 1, name);
    });
  });

  test("tell why consoles were refused, in the catalogue's codes and nobody else's words", async () => {
    await assert.rejects(control.api.openConsole(HOSTILE), /404/);
    await assert.rejects(TestViewer.bare(node.websocket, HOSTILE), /401/);

    const [ofControl, ofNode] = [await readMetrics(control.admin), await readMetrics(node.admin)];
    assert.equal(ofControl.get('porthole_control_refusals_total{at="issue",reason="not_found"}'), 1);
    assert.equal(ofNode.get('porthole_node_refusals_total{reason="ticket_invalid"}'), 1);
    const all = [...ofControl.keys(), ...ofNode.keys()].join("\n");
    for (const alien of [HOSTILE, machineId, node.id, "127.0.0.1"]) assert.ok(!all.includes(alien), alien);
  });

  test("tell of the process: its version, its memory and how late its event loop is", async () => {
    for (const [role, admin] of Object.entries({ control: control.admin, proxy: node.admin })) {
      const metrics = await readMetrics(admin);
      const [info] = [...metrics.keys()].filter((name) => name.startsWith("porthole_build_info"));
      assert.match(info ?? "", new RegExp(`role="${role}",version="\\d+\\.\\d+\\.\\d+"`));
      assert.ok((metrics.get("process_resident_memory_bytes") ?? 0) > 1e6);
      assert.ok((metrics.get('porthole_event_loop_lag_seconds{quantile="0.99"}') ?? -1) >= 0);
    }
  });

  test("are nowhere on the ports that browsers reach", async () => {
    for (const origin of [control.control, node.node])
      for (const path of ["/metrics", "/livez", "/readyz"]) {
        const response = await fetch(`${origin}${path}`);
        assert.ok(response.status === 404, `${origin}${path}`);
      }
  });
});

describe("the admin port", () => {
  test("answers to addresses and localhost, and to no name that a page could have given it", async () => {
    const { port } = new URL(control.admin ?? "");

    assert.equal(await statusOf(`localhost:${port}`), 200);
    assert.equal(await statusOf(`127.0.0.1:${port}`), 200);
    assert.equal(await statusOf("[::1]"), 200);
    assert.equal(await statusOf(`evil.example.com:${port}`), 421);
    assert.equal(await statusOf("127.0.0.1.evil.example.com"), 421);
  });

  test("takes GET of three paths and nothing else", async () => {
    for (const method of ["POST", "DELETE", "HEAD"])
      assert.equal((await fetch(`${control.admin}/metrics`, { method })).status, 405, method);
    assert.equal((await fetch(`${control.admin}/`)).status, 404);
    assert.equal(await (await fetch(`${control.admin}/livez`)).text(), "live\n");
  });

  test("bounds the connections to it, and answers however many are held open", async () => {
    const { port, hostname } = new URL(control.admin ?? "");
    await using sockets = new AsyncDisposableStack();
    let closed = 0;
    for (let count = 0; count < 100; count++) {
      const socket = connect({ host: hostname, port: Number(port) }).resume();
      socket.on("error", () => {});
      socket.on("close", () => (closed += 1));
      sockets.defer(() => void socket.destroy());
    }
    await eventually(() => assert.ok(closed >= 60, `${closed} were closed`));

    assert.equal(await statusOf(`localhost:${port}`), 200);
    assert.ok(closed < 100);
  });

  async function statusOf(host: string): Promise<number | undefined> {
    const { hostname, port } = new URL(control.admin ?? "");
    return await new Promise((resolve, reject) => {
      const asked = request({ hostname, port, path: "/livez", headers: { host }, agent: false });
      asked.on("response", (response) => resolve(response.resume().statusCode));
      asked.on("error", reject);
      asked.end();
    });
  }
});

describe("health", () => {
  test("is good at both while all is there", async () => {
    for (const { admin } of [control, node])
      await eventually(async () => {
        const response = await fetch(`${admin}/readyz`);
        assert.deepEqual([response.status, await response.text()], [200, "ready\n"]);
      });
  });

  test("a node that control has left alone for three intervals is live and not ready, and says why", async () => {
    await using lonely = await startControl();
    await using left = await startNode(lonely, { args: ["--admin-listen", "0"] });
    await lonely.api.call("PUT", "settings/consoleproxy.loadscan.interval", { value: "1000" });
    await eventually(async () => assert.equal((await fetch(`${left.admin}/readyz`)).status, 200));
    await lonely.process.stop("SIGKILL");

    await eventually(async () => {
      const response = await fetch(`${left.admin}/readyz`);
      assert.equal(response.status, 503);
      assert.match(await response.text(), /^control: it was not heard for \d+ s\n$/);
    });
    assert.equal((await fetch(`${left.admin}/livez`)).status, 200);
    await eventually(async () =>
      assert.equal((await readMetrics(left.admin)).get("porthole_node_link_up"), 0),
    );
  });
});

test("a control that has lost its database is live and not ready, says so, and is ready again when it is back", {
  skip: lackingPostgres,
}, async () => {
  await using folder = scratch();
  await using postgres = await startPostgres({ at: folder });
  await using keys = scratch();
  const { url } = await postgres.createDatabase();
  const keyFile = join(keys.path, "porthole.key");
  await using replica = await startReplicaProcess({ url, keyFile, args: ["--admin-listen", "0"] });
  const { admin }: { readonly admin: string } = JSON.parse(await firstLine(replica));
  const ready = async () => {
    const response = await fetch(`${admin}/readyz`);
    return [response.status, await response.text()];
  };
  assert.deepEqual(await ready(), [200, "ready\n"]);

  await postgres.process.stop("SIGINT");

  await eventually(async () =>
    assert.deepEqual(await ready(), [503, "database: it does not answer, or takes nothing\n"]),
  );
  assert.equal((await fetch(`${admin}/livez`)).status, 200);
  assert.equal((await readMetrics(admin)).get("porthole_database_up"), 0);
  await using again = await startPostgres({ at: folder, port: postgres.port });
  await eventually(async () => assert.deepEqual(await ready(), [200, "ready\n"]));
  assert.equal(again.port, postgres.port);
});

describe("a trace", () => {
  const PARTS = ["assignment", "issue", "redeem", "redemption", "dial", "handshake", "first byte"];

  test("goes from the API call to the first byte, through control and node, and tells no secret", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const reply = await fetch(`${control.control}/api/v1/machines/${machineId}/consoles`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`${control.apiKey}:${control.secretKey}`).toString("base64")}`,
        "content-type": "application/json",
        traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
      },
      body: "{}",
    });
    const { url } = (await reply.json()) as { readonly url: string };
    await using viewer = await TestViewer.porthole(node.websocket, ticketOf(url));
    await viewer.handshake();

    const route = "POST /api/v1/machines/:id/consoles";
    const spans = await eventually(() => {
      const found = collector.spans.filter((span) => span.traceId === traceId);
      assert.deepEqual(found.map(({ name }) => name).sort(), [...PARTS, route].sort());
      return new Map(found.map((span) => [span.name, span]));
    });
    const parentOf = (name: string) => {
      const parentId = spans.get(name)?.parentSpanId;
      return [...spans.values()].find(({ spanId }) => spanId === parentId)?.name;
    };
    assert.equal(spans.get(route)?.parentSpanId, "00f067aa0ba902b7");
    assert.deepEqual(
      [...PARTS].map((name) => [name, spans.get(name)?.service, parentOf(name)]),
      [
        ["assignment", "porthole-control", "issue"],
        ["issue", "porthole-control", route],
        ["redeem", "porthole-proxy", "issue"],
        ["redemption", "porthole-control", "redeem"],
        ["dial", "porthole-proxy", "issue"],
        ["handshake", "porthole-proxy", "issue"],
        ["first byte", "porthole-proxy", "issue"],
      ],
    );
    for (const span of spans.values()) assert.notEqual(span.status?.code, 2, span.name);
    for (const secret of [ticketOf(url), control.apiKey, control.secretKey])
      assert.ok(!collector.raw().includes(secret));
  });

  test("of a console that cannot be opened names the code at the part that failed", async () => {
    const { id } = await control.api.addMachine({
      name: "nowhere",
      protocol: "rfb",
      address: "192.0.2.1:5900",
    });
    const { url, sessionId } = await control.api.openConsole(id);
    await using viewer = await TestViewer.porthole(node.websocket, ticketOf(url));
    await eventually(() => assert.notEqual(viewer.closed, undefined));

    await eventually(() => {
      const issue = collector.spans.find(
        ({ name, attributes }) => name === "issue" && JSON.stringify(attributes).includes(sessionId),
      );
      const dial = collector.spans.find(({ name, traceId }) => name === "dial" && traceId === issue?.traceId);
      assert.deepEqual([dial?.status?.code, dial?.status?.message], [2, "upstream_not_allowed"]);
    });
  });
});

describe("logs", () => {
  test("are JSON, name sessions and nodes by their ids in fields, and hold no secret", async () => {
    const { viewer, ticket, id } = await openConsole();
    await assert.rejects(TestViewer.bare(node.websocket, ticket), /410/);
    await viewer[Symbol.asyncDispose]();
    const ofNode = await eventually(() => {
      const lines = linesOf(node);
      assert.ok(lines.some(({ msg, sessionId }) => msg === "Session ended" && sessionId === id));
      return lines;
    });
    const ofControl = linesOf(control);

    for (const line of ofNode.filter(({ msg }) => msg !== "Joined"))
      assert.equal(line["nodeId"], node.id, JSON.stringify(line));
    const refused = ofNode.filter(({ msg, sessionId }) => msg === "Console refused" && sessionId === id);
    assert.deepEqual(
      refused.map(({ code }) => code),
      ["ticket_used"],
    );
    const answered = ofControl.filter(({ msg }) => msg === "Request answered");
    assert.ok(answered.length > 0);
    for (const line of answered) assert.match(String(line["reference"]), /^[\w-]{12}$/);
    for (const line of [...ofNode, ...ofControl]) {
      assert.equal(typeof line["level"], "number");
      assert.doesNotMatch(
        String(line["msg"]),
        /[0-9a-f]{8}-[0-9a-f]{4}/,
        "ids stand in fields, not in messages",
      );
    }
    const all = control.process.stderr.text + node.process.stderr.text;
    for (const secret of [ticket, control.secretKey, control.joinToken]) assert.ok(!all.includes(secret));
  });
});

function linesOf(from: Control | Node): readonly Readonly<Record<string, unknown>>[] {
  return from.process.stderr.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}
