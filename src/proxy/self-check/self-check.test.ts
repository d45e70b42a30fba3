import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Check, Errors } from "typebox/schema";
import { CheckedRequest, type SeenByNode } from "#wire/link-self-check.ts";
import type { CheckLine } from "#wire/self-check.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import { type TestCertificate, testChain } from "../../../test/harness/test-certificates.ts";
import { testClock } from "../../../test/harness/test-clock.ts";
import { startFleet, type TestFleet } from "../../../test/harness/test-fleet.ts";
import { captureLog } from "../../../test/harness/test-node.ts";
import { startRfbUpstream, startUpstream, type TestUpstream } from "../../../test/harness/test-upstream.ts";
import { CheckTokens } from "./check-tokens.ts";
import { SelfCheck } from "./self-check.ts";

async function look({ control }: TestFleet): Promise<readonly CheckLine[]> {
  return (await control.services.selfChecks.nodes(control.admin)).lines;
}

async function addMachine(
  { control }: TestFleet,
  name: string,
  { upstream }: Pick<TestUpstream, "upstream">,
) {
  const { address } = upstream;
  await control.machine({
    name,
    address: address.kind === "unix" ? `unix:${address.path}` : `${address.host}:${address.port}`,
  });
}

test("a node looks at its own entrance, its clock, and the screens of machines", async () => {
  await using fleet = await startFleet();
  await using machine = await startRfbUpstream();
  const node = await fleet.start();
  await addMachine(fleet, "guest", machine);

  const lines = await look(fleet);

  const found = Object.fromEntries(lines.map(({ check, finding }) => [check, finding]));
  assert.deepEqual(
    [found["node.clock"], found["node.websocket"], found["node.hypervisor"]],
    ["ok", "ok", "ok"],
  );
  assert.ok(lines.every(({ nodeId }) => nodeId === node.id));
  const screen = lines.find(({ check }) => check === "node.hypervisor");
  assert.deepEqual([screen?.facts["machine"], screen?.facts["greeting"]], ["guest", "RFB 003.008"]);
});

test("a screen that is down, forbidden, silent, or another's is told as such, and nothing is said to it", async () => {
  await using folder = scratch();
  await using fleet = await startFleet();
  await fleet.control.services.settings.set(
    fleet.control.admin,
    "upstream.allow",
    `127.0.0.0/8,unix:${tmpdir()}/*`,
  );
  await fleet.start();
  await using silent = await startUpstream(() => {}, { path: join(folder.path, "silent.sock") });
  await using web = await startUpstream(({ socket }) => void socket.write("SSH-2.0-OpenSSH_9.2\r\n"), {
    path: join(folder.path, "ssh.sock"),
  });
  await addMachine(fleet, "silent", silent);
  await addMachine(fleet, "ssh", web);
  await fleet.control.machine({ name: "down", address: "127.0.0.1:1" });
  await fleet.control.machine({ name: "forbidden", address: "198.51.100.7:5900" });
  await fleet.control.machine({ name: "nameless", address: "kvm.invalid:5900" });
  await fleet.control.machine({ name: "nobody", address: `unix:${join(folder.path, "none.sock")}` });
  const stopped = await fleet.control.machine({ name: "stopped", address: "198.51.100.8:5900" });
  await fleet.control.services.machines.update(fleet.control.admin, stopped.id, { state: "stopped" });

  const lines = await look(fleet);

  const screens = lines.filter(({ check }) => check === "node.hypervisor");
  const found = Object.fromEntries(screens.map(({ facts, finding }) => [facts["machine"], finding]));
  assert.match(found["nameless"] ?? "", /^(hypervisor_unnamed|connect_silent)$/);
  assert.deepEqual(
    { ...found, nameless: "" },
    {
      silent: "hypervisor_silent",
      ssh: "hypervisor_other",
      down: "connect_refused",
      forbidden: "hypervisor_forbidden",
      nameless: "",
      nobody: "connect_refused",
    },
  );
  for (const { callers } of [silent, web]) {
    assert.equal(callers.length, 1);
    assert.equal(Buffer.concat(callers[0]?.said ?? []).length, 0);
  }
});

test("how a request reached a node is told to who has a token, and to pages of control alone", async () => {
  await using fleet = await startFleet();
  const { origin } = await fleet.start();
  const { services, admin } = fleet.control;
  const ask = async (body: string, headers: Record<string, string> = {}) =>
    await fetch(`${origin}/p/x/self-check`, { method: "POST", body, headers });

  const before = await ask("no token at all");
  const { entrances } = await services.selfChecks.nodes(admin);
  const token = entrances[0]?.token ?? "";
  const seen = await ask(token);
  const ours = await ask(token, { origin: "https://control.example.com" });
  const theirs = await ask(token, { origin: "https://elsewhere.example" });

  assert.equal(before.status, 403);
  assert.deepEqual(await seen.json(), {
    address: "127.0.0.1",
    peer: "127.0.0.1",
    isTls: false,
    isSecuredAhead: false,
  });
  assert.equal(ours.headers.get("access-control-allow-origin"), "https://control.example.com");
  assert.equal(theirs.headers.get("access-control-allow-origin"), null);
  assert.equal((await ask("x".repeat(200))).status, 413);
  assert.equal((await fetch(`${origin}/p/x/self-check`)).status, 405);
});

test("what others say at length is cut to what control takes", async () => {
  const host = `${["a", "b", "c", "d"].map((label) => label.repeat(60)).join(".")}.invalid`;
  const publicPath = `/${"p".repeat(64)}`.repeat(4);

  const lines = await toldBy({ origin: `http://${host}`, publicPath });

  const request = { incarnation: "i".repeat(36), run: "12345678", lines };
  assert.ok(Check(CheckedRequest, request), JSON.stringify(Errors(CheckedRequest, request)));
});

test("a certificate that comes without its intermediates is told otherwise than one of a CA that nodes do not know", async () => {
  const { leaf, lower, upper } = await testChain({ names: ["127.0.0.1"] });
  const tlsOf = async (sent: readonly TestCertificate[]) => {
    const server = createServer({ cert: sent.map(({ pem }) => pem).join(""), key: leaf.keyPem });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo;
      const lines = await toldBy({ origin: `https://127.0.0.1:${port}`, publicPath: null });
      return lines.find(({ check }) => check === "node.tls")?.finding;
    } finally {
      server.close();
      server.closeAllConnections();
    }
  };

  assert.equal(await tlsOf([leaf, lower, upper]), "tls_not_known_to_node");
  assert.equal(await tlsOf([leaf]), "tls_alone_to_node");
});

/** What a node without machines tells control of itself. */
async function toldBy({
  origin,
  publicPath,
}: {
  readonly origin: string;
  readonly publicPath: string | null;
}): Promise<readonly SeenByNode[]> {
  const told = Promise.withResolvers<readonly SeenByNode[]>();
  const check = new SelfCheck({
    entrance: () => ({ pageOrigin: origin, webSocketOrigin: origin }),
    publicPath,
    authority: "",
    clock: testClock(),
    own: testClock(),
    newestRules: async () => {},
    dial: async () => await Promise.reject(new Error("nothing is dialled")),
    tell: async (_run, lines) => told.resolve(lines),
    log: captureLog().logger,
  });
  check.begin({ run: "12345678", token: "t".repeat(32), screens: [] });
  const lines = await told.promise;
  await check.stop();
  return lines;
}

test("a token is good for some minutes, and the newest ones push the oldest out", () => {
  const clock = testClock();
  const tokens = new CheckTokens(clock);

  tokens.take("one");
  assert.deepEqual([tokens.has("one"), tokens.has("two")], [true, false]);
  clock.advance(9 * 60_000);
  tokens.take("one");
  clock.advance(9 * 60_000);
  assert.equal(tokens.has("one"), true);
  clock.advance(60_000);
  assert.equal(tokens.has("one"), false);
  for (const token of ["a", "b", "c", "d", "e"]) tokens.take(token);
  assert.deepEqual([tokens.has("a"), tokens.has("e")], [false, true]);
});
