import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type NovaBehind, readNovaBehind } from "#control/openstack/config.ts";
import { eventually } from "../harness/eventually.ts";
import { startControl, startNode } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { testCertificate } from "../harness/test-certificates.ts";
import { type FleetNode, startFleet, type TestFleet } from "../harness/test-fleet.ts";
import { startRfbUpstream, startUpstream } from "../harness/test-upstream.ts";
import { TestViewer, webSocketUrl } from "../harness/test-viewer.ts";
import { lackingNova, NOVA_ADMIN, NOVA_MEMBER, type Nova, startNova } from "./nova/nova.ts";
import { readDiagnosis } from "./nova/refused.ts";
import { writePki } from "./pki.ts";
import { lackingQemu, type Qemu, serialPort, serialSocket, startQemu } from "./qemu.ts";

const skip = lackingNova || lackingQemu;

describe("in front of Debian's Nova", { skip }, () => {
  const folder = scratch();
  let nova: Nova;
  let qemu: Qemu<"open" | "x509">;
  let behind: NovaBehind;
  before(async () => {
    const authority = await testCertificate({ commonName: "hypervisors" });
    const server = await testCertificate({ names: ["localhost"], issuer: authority });
    const good = writePki(join(folder.path, "good"), authority, server);
    const line = ["-chardev", serialSocket("line"), "-mon", "chardev=line,mode=readline"];
    [nova, qemu] = await Promise.all([
      startNova(),
      startQemu({ open: {}, x509: { tls: "good" } }, { args: line, credentials: { good: { folder: good } } }),
    ]);
    behind = novaBehind(cloud(nova.url));
  });
  after(async () => {
    await qemu?.[Symbol.asyncDispose]();
    await nova?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  function cloud(url: string, token = NOVA_ADMIN): string {
    const file = join(folder.path, `${randomUUID()}.yaml`);
    writeCloud(file, url, token);
    return file;
  }

  function writeCloud(file: string, endpoint: string, token: string): void {
    const auth = { endpoint, token };
    writeFileSync(file, JSON.stringify({ clouds: { one: { auth_type: "admin_token", auth } } }));
  }

  function novaBehind(novaCloud: string, vncCa: string | null = null): NovaBehind {
    const found = readNovaBehind({ novaCloud, novaVncCa: vncCa, novaVncCertificate: null, novaVncKey: null });
    assert.ok(found !== undefined);
    return found;
  }

  async function startStage(nova: NovaBehind | null = behind): Promise<
    {
      readonly fleet: TestFleet;
      readonly node: FleetNode;
    } & AsyncDisposable
  > {
    const fleet = await startFleet(nova === null ? {} : { novaBehind: nova });
    return {
      fleet,
      node: await fleet.start(),
      [Symbol.asyncDispose]: async () => await fleet[Symbol.asyncDispose](),
    };
  }

  const screen = async (name: "open" | "x509" = "open", host = qemu.host) =>
    await nova.authorize({ host, port: qemu.ports[name] });
  const line = async () =>
    await nova.authorize({ type: "serial", host: qemu.host, port: await serialPort(qemu, "line") });
  const urlOf = ({ origin }: FleetNode, token: string, path = "/") =>
    `${webSocketUrl(origin)}${path}?token=${token}`;
  /** As noVNC of old does it. */
  const open = async (node: FleetNode, token: string, path?: string) =>
    await TestViewer.connect(urlOf(node, token, path), { protocols: ["binary"] });
  const refused = async (node: FleetNode, token: string, path?: string) =>
    await readDiagnosis(urlOf(node, token, path));

  test("a token opens its screen once, and its session is on record as Nova's", async () => {
    await using stage = await startStage();
    const { control } = stage.fleet;
    const { token, instance } = await screen();

    const viewer = await open(stage.node, token);
    const { name } = await viewer.handshake();
    await viewer[Symbol.asyncDispose]();

    assert.equal(name, instance);
    assert.deepEqual(await refused(stage.node, token), [410, "ticket_used"]);
    const { items } = await control.services.sessions.list(control.admin, {});
    assert.deepEqual(
      items.map(({ machineId, account, protocol, viewOnly }) => [machineId, account, protocol, viewOnly]),
      [[instance, "Nova", "rfb", false]],
    );
    await eventually(async () => {
      const session = await control.services.sessions.get(control.admin, items[0]?.id ?? "");
      assert.equal(session.ending?.code, "viewer_lost");
    });
    const rows = await control.store.db
      .selectFrom("audit")
      .select(["action", "result", "object_id", "session_id"])
      .where("action", "=", "console.redeem")
      .orderBy("id")
      .execute();
    assert.deepEqual(
      rows.map(({ result, object_id, session_id }) => [result, object_id, session_id]),
      [
        ["ok", instance, items[0]?.id],
        ["ticket_used", instance, null],
      ],
    );
    for (const said of [stage.node.log(), JSON.stringify(rows), JSON.stringify(items)])
      assert.ok(!said.includes(token), "the token is told");
  });

  test("a token opens its serial line, which takes text, and whose viewers share it on one node", async () => {
    await using stage = await startStage();
    const other = await stage.fleet.start();
    const { control } = stage.fleet;
    await control.services.settings.set(control.admin, "nova.tokens.reuse", "true");
    const { token } = await line();

    await using viewer = await open(stage.node, token, "/serial");
    await eventually(() => assert.match(viewer.bytes.toString("latin1"), /\(qemu\) /));
    await using second = await open(stage.node, token, "/p/serial/websockify");
    for (const character of "info status\r") {
      const before = viewer.received;
      viewer.webSocket.send(character);
      await eventually(() => assert.ok(viewer.received > before));
    }

    for (const one of [viewer, second])
      await eventually(() => assert.match(one.bytes.toString("latin1"), /VM status: paused/));
    assert.deepEqual(await refused(other, token, "/serial"), [409, "machine_busy"]);
  });

  test("where it is switched on, a token opens its console as often as it is shown, until Nova takes it back", async () => {
    await using stage = await startStage();
    const { control } = stage.fleet;
    await control.services.settings.set(control.admin, "nova.tokens.reuse", "true");
    const { token, instance } = await screen();

    await using first = await open(stage.node, token);
    await using second = await open(stage.node, token);
    await Promise.all([first.handshake(), second.handshake()]);
    await control.services.settings.set(control.admin, "nova.tokens.reuse", "false");
    assert.deepEqual(await refused(stage.node, token), [410, "ticket_used"]);
    await control.services.settings.set(control.admin, "nova.tokens.reuse", "true");
    await nova.revoke(instance);

    assert.deepEqual(await refused(stage.node, token), [401, "ticket_invalid"]);
    assert.equal(first.closed, undefined);
  });

  test("of many who come with one token at once, one gets the console", async () => {
    await using stage = await startStage();
    const { token } = await screen();

    const came = await Promise.allSettled(
      Array.from({ length: 8 }, async () => await open(stage.node, token)),
    );

    const viewers = came.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    assert.equal(viewers.length, 1);
    for (const viewer of viewers) await viewer[Symbol.asyncDispose]();
  });

  test("a question that is asked again, since its answer was lost, has the same answer", async () => {
    await using stage = await startStage();
    const { link, store } = stage.fleet.control;
    const { token } = await screen();
    const { incarnation } = await store.db
      .selectFrom("nodes")
      .select("incarnation")
      .where("id", "=", stage.node.id)
      .executeTakeFirstOrThrow();
    const question = {
      ...({ incarnation: incarnation ?? "", token, console: "rfb", viewerAddress: "192.0.2.7" } as const),
      nonce: randomUUID(),
    };

    const first = await link.redeemNova(stage.node.id, question);
    assert.deepEqual(await link.redeemNova(stage.node.id, question), first);
    await assert.rejects(link.redeemNova(stage.node.id, { ...question, nonce: randomUUID() }), {
      code: "ticket_used",
    });
  });

  test("who guesses is slowed down, and Nova is not asked for each guess", async () => {
    await using stage = await startStage();
    const unknown = randomUUID();
    const before = await nova.asked();

    for (let guess = 0; guess < 5; guess += 1)
      assert.deepEqual(await refused(stage.node, unknown), [401, "ticket_invalid"]);
    assert.equal((await nova.asked()) - before, 1, "it does not know the same one");
    assert.deepEqual(await refused(stage.node, "no-uuid"), [401, "ticket_invalid"]);
    assert.equal((await nova.asked()) - before, 1, "that is none of its tokens");
    for (let guess = 0; guess < 15; guess += 1) await refused(stage.node, randomUUID());
    const { token } = await screen();
    assert.deepEqual(await refused(stage.node, token), [429, "rate_limited"]);
    assert.equal((await nova.asked()) - before, 16);
  });

  test("nodes dial for Nova what they may dial for anybody", async () => {
    await using stage = await startStage();
    const { control } = stage.fleet;
    const { token } = await nova.authorize({ host: "192.0.2.1", port: 5900 });

    await using viewer = await open(stage.node, token);
    await assert.rejects(viewer.handshake());

    await eventually(async () => {
      const { items } = await control.services.sessions.list(control.admin, {});
      assert.deepEqual(
        items.map(({ ending }) => ending?.code),
        ["upstream_not_allowed"],
      );
    });
  });

  test("an internal access path is asked for first, and a console of another kind is not opened", async () => {
    await using stage = await startStage();
    const said: string[] = [];
    await using rfb = await startRfbUpstream();
    await using host = await startUpstream(({ socket }) => {
      socket.once("data", (head) => {
        said.push(head.toString("latin1").split("\r\n")[0] ?? "");
        // In one piece, as whoever is quick does it.
        socket.write("HTTP/1.1 200 OK\r\n\r\nRFB 003.008\n");
      });
    });
    const addressOf = ({ upstream: { address } }: typeof rfb) => {
      assert.ok(address.kind === "tcp");
      return { host: address.host, port: address.port };
    };

    const { token } = await nova.authorize({ ...addressOf(host), path: "/console?ref=7" });
    await using viewer = await open(stage.node, token);
    await eventually(() => assert.deepEqual(said, ["CONNECT /console?ref=7 HTTP/1.0"]));
    // The node has read the version that came with the answer, and says its own.
    await eventually(() => assert.ok(viewer.bytes.toString("latin1").startsWith("RFB 003.008\n")));

    const mks = await nova.authorize({ ...addressOf(rfb), type: "webmks", path: '{"ticket": "x"}' });
    assert.deepEqual(await refused(stage.node, mks.token), [502, "nova_console_unfit"]);
    const path = await nova.authorize({ ...addressOf(rfb), path: "/console" });
    assert.deepEqual(await refused(stage.node, path.token, "/serial"), [502, "nova_console_unfit"]);
    assert.equal(rfb.callers.length, 0);
  });

  test("VNC servers are spoken to by VeNCrypt where their authority is named, and not without", async () => {
    const ca = join(folder.path, "good", "ca-cert.pem");
    await using stage = await startStage(novaBehind(cloud(nova.url), ca));
    const { control } = stage.fleet;

    await using viewer = await open(stage.node, (await screen("x509", "localhost")).token);
    await viewer.handshake();
    for (const { token } of [await screen("open", "localhost"), await screen("x509", "127.0.0.1")]) {
      await using other = await open(stage.node, token);
      await assert.rejects(other.handshake());
    }

    await eventually(async () => {
      const { items } = await control.services.sessions.list(control.admin, {});
      const codes = items.map(({ ending }) => ending?.code ?? "open").toReversed();
      assert.deepEqual(codes, ["open", "upstream_tls_not_offered", "upstream_certificate_name"]);
    });
  });

  test("a Nova that is away, or that does not take control for an administrator, is told from a token that is wrong", async () => {
    const { token } = await screen();
    await using member = await startStage(novaBehind(cloud(nova.url, NOVA_MEMBER)));
    assert.deepEqual(await refused(member.node, token), [502, "nova_refused"]);
    await using away = await startStage(novaBehind(cloud("http://127.0.0.1:1/v2.1")));
    assert.deepEqual(await refused(away.node, token), [503, "nova_unreachable"]);
    await using wrong = await startStage(novaBehind(cloud(nova.url.replace("/v2.1", "/test/asked"))));
    assert.deepEqual(await refused(wrong.node, token), [503, "nova_unreachable"]);
    await using none = await startStage(null);
    assert.deepEqual(await refused(none.node, token), [401, "ticket_invalid"]);
  });

  test("control is told of it by a file, whose token may change while it runs", async () => {
    const file = cloud(nova.url, NOVA_MEMBER);
    await using control = await startControl({ args: ["--nova-cloud", file] });
    await using node = await startNode(control);
    const url = (token: string) => `${webSocketUrl(node.node)}/?token=${token}`;
    const { token } = await screen();
    assert.deepEqual(await readDiagnosis(url(token)), [502, "nova_refused"]);

    writeCloud(file, nova.url, NOVA_ADMIN);

    await using viewer = await TestViewer.connect(url(token));
    await viewer.handshake();
  });
});
