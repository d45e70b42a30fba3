import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, symlinkSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import { parseUpstreamAllow } from "#wire/upstream-allow.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { firstLine, startProcess } from "../../test/harness/process.ts";
import { scratch } from "../../test/harness/scratch.ts";
import { startUpstream } from "../../test/harness/test-upstream.ts";
import { dial } from "./dial.ts";

type Address = Upstream["address"];

test("an allowed address is dialled", async () => {
  await using machine = await startUpstream(() => {});

  await hangUp(await knock(machine.upstream.address, "127.0.0.0/8"));

  assert.equal(machine.callers.length, 1);
});

test("a name is dialled at the address that it resolves to, if that is allowed", async () => {
  await using machine = await startUpstream(() => {});
  const address = { ...tcp(machine.upstream.address), host: "localhost" };

  await hangUp(await knock(address, "127.0.0.0/8,::1"));
  await assert.rejects(knock(address, "192.0.2.0/24"), { code: "upstream_not_allowed" });

  assert.equal(machine.callers.length, 1);
});

const LOOPBACKS = [
  "127.0.0.1",
  "localhost",
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "127.1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
];

for (const host of LOOPBACKS) {
  test(`loopback is refused where only another network is allowed, spelled as ${host}`, async () => {
    await using machine = await startUpstream(() => {});
    const address = { ...tcp(machine.upstream.address), host };

    await assert.rejects(knock(address, "10.0.0.0/8,2001:db8::/32,[::/0]:1"), {
      code: "upstream_not_allowed",
    });

    assert.equal(machine.callers.length, 0);
  });
}

test("another port than the allowed ones is refused", async () => {
  await using machine = await startUpstream(() => {});
  const { port } = tcp(machine.upstream.address);

  await assert.rejects(knock(machine.upstream.address, `127.0.0.1:${port - 1}`), {
    code: "upstream_not_allowed",
  });
  await hangUp(await knock(machine.upstream.address, `127.0.0.1:${port}`));
});

test("a port on which nothing listens refuses the connection", async () => {
  const machine = await startUpstream(() => {});
  await machine[Symbol.asyncDispose]();

  await assert.rejects(knock(machine.upstream.address, "127.0.0.0/8"), {
    code: "upstream_connection_refused",
  });
});

test("a name that nobody knows is not resolved", async () => {
  const address: Address = { kind: "tcp", host: "no-such-host.invalid", port: 5900 };

  await assert.rejects(knock(address, "0.0.0.0/0"), { code: "upstream_name_unresolved" });
});

test("an error never holds the address", async () => {
  const error = await knock({ kind: "tcp", host: "no-such-host.invalid", port: 5900 }, "0.0.0.0/0").catch(
    (thrown) => thrown,
  );

  assert.ok(error instanceof GatewayError);
  assert.doesNotMatch(JSON.stringify([error.message, error.toPublic()]), /no-such-host/);
});

test("a hypervisor that does not take the connection in time has timed out", async () => {
  await using full = await startFullBacklog();

  const dialled = dial(full.address, { ...options("127.0.0.0/8"), deadlineMs: 100 });

  await assert.rejects(dialled, { code: "upstream_timeout" });
});

test("dialling ends when nobody waits for it any more", async () => {
  await using full = await startFullBacklog();
  const abort = new AbortController();

  const dialled = dial(full.address, { ...options("127.0.0.0/8"), signal: abort.signal });
  abort.abort(new GatewayError("viewer_closed"));

  await assert.rejects(dialled, GatewayError);
});

test("a UNIX socket is dialled where its path is allowed", async () => {
  await using folder = scratch();
  const path = join(folder.path, "vnc.sock");
  await using machine = await startUpstream(() => {}, { path });

  await hangUp(await knock(machine.upstream.address, `unix:${folder.path}/*`));
  await hangUp(await knock(machine.upstream.address, `unix:${path}`));
  await assert.rejects(knock(machine.upstream.address, "unix:/run/*,127.0.0.0/8"), {
    code: "upstream_not_allowed",
  });
});

test("a path is judged by where its links lead", async () => {
  await using folder = scratch();
  const [inside, outside] = [join(folder.path, "in"), join(folder.path, "out")];
  for (const path of [inside, outside]) mkdirSync(path);
  await using machine = await startUpstream(() => {}, { path: join(outside, "vnc.sock") });
  symlinkSync(join(outside, "vnc.sock"), join(inside, "link.sock"));
  symlinkSync(outside, join(inside, "folder"));
  const allow = `unix:${inside}/*`;

  for (const path of ["link.sock", "folder/vnc.sock", "../out/vnc.sock"].map((name) => `${inside}/${name}`))
    await assert.rejects(knock({ kind: "unix", path }, allow), { code: "upstream_not_allowed" });

  assert.equal(machine.callers.length, 0);
});

test("a socket that is not there is told from one that is not allowed only where it would be allowed", async () => {
  await using folder = scratch();
  const path = join(folder.path, "absent.sock");

  await assert.rejects(knock({ kind: "unix", path }, `unix:${folder.path}/*`), {
    code: "upstream_connection_refused",
  });
  await assert.rejects(knock({ kind: "unix", path }, "unix:/run/*"), { code: "upstream_not_allowed" });
});

async function knock(address: Address, allow: string): Promise<Socket> {
  return await dial(address, options(allow));
}

function options(allow: string) {
  return { allow: parseUpstreamAllow(allow), deadlineMs: 10_000, signal: new AbortController().signal };
}

function tcp(address: Address) {
  assert.ok(address.kind === "tcp");
  return address;
}

async function hangUp(socket: Socket): Promise<void> {
  socket.destroy();
  await eventually(() => assert.ok(socket.closed));
}

/**
 * A listener that takes nothing: its process is stopped, and its backlog is filled, so that the kernel leaves further
 * callers without an answer, as a firewall that drops does.
 */
async function startFullBacklog(): Promise<{ readonly address: Address } & AsyncDisposable> {
  const child = await startProcess(process.execPath, ["-e", LISTEN_WITH_BACKLOG_OF_ONE]);
  const port = Number(await firstLine(child));
  process.kill(child.pid, "SIGSTOP");
  const fillers: Socket[] = [];
  for (let answered = true; answered; ) {
    const filler = connect({ host: "127.0.0.1", port });
    filler.on("error", () => {});
    fillers.push(filler);
    answered = await Promise.race([once(filler, "connect").then(() => true), setTimeout(300, false)]);
  }
  return {
    address: { kind: "tcp", host: "127.0.0.1", port },
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      await child.stop("SIGKILL");
    },
  };
}

const LISTEN_WITH_BACKLOG_OF_ONE = `
  const server = require("node:net").createServer();
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => console.log(server.address().port));
`;
