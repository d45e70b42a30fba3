import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { mkdirSync, readdirSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { decode, encode } from "dns-packet";
import { GatewayError } from "#wire/gateway-error.ts";
import type { PlainAddress } from "#wire/grant.ts";
import { parseUpstreamAllow } from "#wire/upstream-allow.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { firstLine, startProcess } from "../../test/harness/process.ts";
import { scratch } from "../../test/harness/scratch.ts";
import { startUpstream } from "../../test/harness/test-upstream.ts";
import { withDeadline } from "./deadline.ts";
import { dial } from "./dial.ts";

type Address = PlainAddress;

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

test("why nothing was dialled stands with the address in the cause, for the log, and nowhere else", async () => {
  const machine = await startUpstream(() => {});
  await machine[Symbol.asyncDispose]();
  const gone = tcp(machine.upstream.address);
  const place = `127\\.0\\.0\\.1 port ${gone.port}: `;
  const told = async (allow: string) => {
    const error: unknown = await knock(gone, allow).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof GatewayError && error.cause instanceof Error);
    assert.doesNotMatch(JSON.stringify([error.message, error.toPublic()]), /127|ECONN/);
    return [error.code, error.cause.message] as const;
  };

  const [refused, errno] = await told("127.0.0.0/8");
  const [forbidden, rule] = await told("192.0.2.0/24");

  assert.deepEqual([refused, forbidden], ["upstream_connection_refused", "upstream_not_allowed"]);
  assert.match(errno, new RegExp(`^${place}connect ECONNREFUSED 127`));
  assert.match(rule, new RegExp(`^${place}.*upstream\\.allow`));
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

const RESERVED: Readonly<Record<string, readonly string[]>> = {
  "the console node's own machine": [
    ...LOOPBACKS,
    ...["0", "0.0.0.0", "::", "::1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
    ...["::ffff:0:127.0.0.1", "::ffff:0:7f00:1", "64:ff9b:1::7f00:1", "64:ff9b:1:7f00:0:100::"],
  ],
  "a cloud's metadata service": [
    ...["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"],
    ...["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "fd00:ec2::254"],
    ...["::ffff:0:a9fe:a9fe", "64:ff9b:1:fffe::a9fe:a9fe", "fd00:ec2::23", "fd20:ce::254"],
  ],
  "a link-local address": ["169.254.1.1", "169.16646401", "fe80::1"],
};

for (const [detail, hosts] of Object.entries(RESERVED)) {
  for (const host of hosts) {
    test(`${detail} is refused where everything is allowed, spelled as ${host}`, async () => {
      await using machine = await startUpstream(() => {});
      const address = { ...tcp(machine.upstream.address), host };

      await assert.rejects(knock(address, "0.0.0.0/0,::/0"), { code: "upstream_address_reserved", detail });

      assert.equal(machine.callers.length, 0);
    });
  }
}

test("where Porthole itself listens is refused, at every address of this machine, unless it is named", async () => {
  await using machine = await startUpstream(() => {});
  const { port } = tcp(machine.upstream.address);
  const allow = parseUpstreamAllow("127.0.0.0/8");
  const listening = { ports: [port], elsewhere: [] };

  for (const host of ["127.0.0.1", "127.7.7.7", "localhost", "2130706433", "::ffff:127.0.0.1"]) {
    const dialled = dial({ kind: "tcp", host, port }, { ...options(""), allow, listening });
    await assert.rejects(dialled, { code: "upstream_is_porthole" });
  }
  const elsewhere = [{ host: "127.0.0.1", port }];
  await assert.rejects(
    dial(machine.upstream.address, { ...options(""), allow, listening: { ports: [], elsewhere } }),
    { code: "upstream_is_porthole" },
  );
  const named = { ...options(`127.0.0.1:${port}`), listening };
  await hangUp(await dial(machine.upstream.address, named));

  assert.equal(machine.callers.length, 1);
});

test("a name that says another address each time is asked once, and what it said then is dialled", async () => {
  await using machine = await startUpstream(() => {});
  await using dns = await startFlippingDns(["127.0.0.1", "169.254.169.254"]);
  const address = { ...tcp(machine.upstream.address), host: "rebinding.example" };
  const dialling = { ...options("127.0.0.0/8"), resolve: dns.resolve };

  await hangUp(await dial(address, dialling));
  assert.equal(dns.asked(), 1);
  await assert.rejects(dial(address, dialling), { code: "upstream_not_allowed" });
  assert.equal(dns.asked(), 2);

  assert.equal(machine.callers.length, 1);
});

test("of a name with several addresses each is judged, and only what is allowed is dialled", async () => {
  await using machine = await startUpstream(() => {});
  const address = { ...tcp(machine.upstream.address), host: "several.example" };
  const resolve = async () => ["169.254.169.254", "::1", "127.0.0.1"];

  const socket = await dial(address, { ...options("127.0.0.0/8,0.0.0.0/0"), resolve });

  assert.equal(socket.remoteAddress, "127.0.0.1");
  await hangUp(socket);
});

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

  const dialled = withDeadline(100, undefined, (signal) =>
    dial(full.address, { ...options("127.0.0.0/8"), signal }),
  );

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

test("what was judged is connected to, though a link stands in its place or its folder's by then", async () => {
  await using folder = scratch();
  const [inside, outside] = [join(folder.path, "in"), join(folder.path, "out")];
  for (const path of [join(inside, "one"), join(inside, "other"), outside])
    mkdirSync(path, { recursive: true });
  await using foreign = await startUpstream(() => {}, { path: join(outside, "vnc.sock") });
  const swaps: Readonly<Record<string, () => void>> = {
    one() {
      renameSync(join(inside, "one/vnc.sock"), join(inside, "one/kept.sock"));
      symlinkSync(join(outside, "vnc.sock"), join(inside, "one/vnc.sock"));
    },
    other() {
      renameSync(join(inside, "other"), join(inside, "kept"));
      symlinkSync(outside, join(inside, "other"));
    },
  };

  for (const [name, swap] of Object.entries(swaps)) {
    await using machine = await startUpstream(() => {}, { path: join(inside, name, "vnc.sock") });
    const dialling = { ...options(`unix:${inside}/*`), onStep: swap };
    await hangUp(await dial(machine.upstream.address, dialling));
    assert.equal(machine.callers.length, 1);
  }

  assert.equal(foreign.callers.length, 0);
});

test("nothing is held of a socket once it was connected to, refused, or is waited for no more", async () => {
  await using folder = scratch();
  const path = join(folder.path, "vnc.sock");
  await using machine = await startUpstream(() => {}, { path });
  const file = join(folder.path, "no-socket");
  writeFileSync(file, "");
  const allow = `unix:${folder.path}/*`;

  await hangUp(await knock(machine.upstream.address, allow));
  await assert.rejects(knock(machine.upstream.address, "unix:/run/*"), { code: "upstream_not_allowed" });
  await assert.rejects(knock({ kind: "unix", path: file }, allow), { code: "upstream_connection_refused" });
  const signal = AbortSignal.abort(new GatewayError("viewer_closed"));
  await assert.rejects(dial(machine.upstream.address, { ...options(allow), signal }));

  await eventually(() => {
    const held = readdirSync("/proc/self/fd").map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return "";
      }
    });
    assert.deepEqual(
      held.filter((each) => each.startsWith(folder.path)),
      [],
    );
  });
});

test("a socket that is not there is told from one that is not allowed only where it would be allowed", async () => {
  await using folder = scratch();
  const path = join(folder.path, "absent.sock");

  await assert.rejects(knock({ kind: "unix", path }, `unix:${folder.path}/*`), {
    code: "upstream_connection_refused",
  });
  await assert.rejects(knock({ kind: "unix", path }, "unix:/run/*"), { code: "upstream_not_allowed" });
});

/** A name server that says the next of these addresses each time it is asked, and a resolver that asks it. */
async function startFlippingDns(addresses: readonly string[]) {
  const socket = createSocket("udp4");
  let asked = 0;
  socket.on("message", (bytes, { port, address }) => {
    const { id, questions } = decode(bytes);
    const [question] = questions ?? [];
    assert.ok(question !== undefined);
    const data = addresses[asked++ % addresses.length] ?? "";
    const answers = [{ type: "A" as const, name: question.name, ttl: 0, data }];
    socket.send(
      encode({ type: "response", ...(id === undefined ? {} : { id }), questions: [question], answers }),
      port,
      address,
    );
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    resolve: async (name: string) => await resolver.resolve4(name),
    asked: () => asked,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

async function knock(address: Address, allow: string): Promise<Socket> {
  return await dial(address, options(allow));
}

function options(allow: string) {
  return { allow: parseUpstreamAllow(allow), signal: new AbortController().signal };
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
