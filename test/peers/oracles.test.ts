import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readNovaBehind } from "#control/openstack/config.ts";
import { onFreePort } from "../harness/free-port.ts";
import { scratch } from "../harness/scratch.ts";
import { type FleetNode, startFleet } from "../harness/test-fleet.ts";
import { type Caller, startUpstream } from "../harness/test-upstream.ts";
import { lackingNova, NOVA_ADMIN, type Nova, startNova } from "./nova/nova.ts";
import { BATTERY, type Row, UPSTREAMS, type Upstream } from "./oracles/battery.ts";
import { say } from "./oracles/say.ts";
import { lackingQemu, startQemu } from "./qemu.ts";
import { lackingWebsockify, startWebsockify, type Websockify } from "./websockify.ts";

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Servers that say something else than a machine that one can have here, in RFC 6143's words. */
const SCRIPTED = {
  "no security types": ({ socket }) => {
    const reason = "Too many connections";
    rfb(socket, "3.8", [Buffer.of(0, 0, 0, 0, reason.length), Buffer.from(reason)]);
  },
  password: ({ socket }) => rfb(socket, "3.8", [Buffer.of(1, 2)]),
  "unknown type first": ({ socket }) =>
    rfb(socket, "3.8", [Buffer.of(2, 113, 1)], [Buffer.alloc(4), SERVER_INIT]),
  "version 3.3": ({ socket }) => rfb(socket, "3.3", [Buffer.of(0, 0, 0, 1)], [SERVER_INIT]),
} satisfies Partial<Record<Upstream, (caller: Caller) => void>>;

const PIXEL_FORMAT = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
const SERVER_INIT = Buffer.from([2, 128, 1, 224, ...PIXEL_FORMAT, 0, 0, 0, 1, 0x78]);

/** Says its version, and behind each of the client's next two messages something more. */
function rfb(socket: Caller["socket"], version: string, ...answers: readonly (readonly Buffer[])[]): void {
  socket.write(`RFB 00${version.replace(".", ".00")}\n`);
  const left = [...answers];
  socket.on("data", () => {
    for (const bytes of left.shift() ?? []) socket.write(bytes);
  });
}

describe("nova-novncproxy, websockify and a node", {
  skip: lackingNova || lackingWebsockify || lackingQemu,
}, () => {
  const opened = new AsyncDisposableStack();
  const rows = Object.values(BATTERY).flat();
  const upstreams = {} as Record<Upstream, Place>;
  let nova: Nova;
  let novaProxy: Place;
  let websockify: Websockify;
  let node: FleetNode;
  before(async () => {
    const folder = opened.use(scratch());
    nova = opened.use(await startNova());
    const qemu = opened.use(await startQemu({ open: {} }));
    upstreams.vnc = { host: qemu.host, port: qemu.ports.open };
    upstreams["nothing listens"] = { host: qemu.host, port: await onFreePort(async (free) => free) };
    for (const [name, serve] of Object.entries(SCRIPTED)) {
      const { upstream } = opened.use(await startUpstream(serve));
      if (upstream.address.kind === "tcp") upstreams[name as Upstream] = upstream.address;
    }
    novaProxy = opened.use(await nova.startProxy());
    const names = rows.map(({ upstream = "vnc" }, index) => [`t${index}`, upstreams[upstream]] as const);
    websockify = opened.use(await startWebsockify(Object.fromEntries(names)));
    const cloud = join(folder.path, "clouds.yaml");
    const auth = { endpoint: nova.url, token: NOVA_ADMIN };
    writeFileSync(cloud, JSON.stringify({ clouds: { nova: { auth_type: "admin_token", auth } } }));
    const none = { novaVncCa: null, novaVncCertificate: null, novaVncKey: null };
    const novaBehind = readNovaBehind({ novaCloud: cloud, ...none });
    assert.ok(novaBehind !== undefined);
    const fleet = opened.use(await startFleet({ novaBehind }));
    node = await fleet.start();
  });
  after(async () => await opened.disposeAsync());

  async function outcomes(row: Row): Promise<Row["seen"]> {
    const { upstream = "vnc", isUsed = false } = row;
    const base = `http://${novaProxy.host}/vnc_lite.html`;
    const one = async (place: Place, token: string) => {
      if (isUsed) assert.equal(await say(place, { title: "before" }, token), "open, binary");
      return await say(place, row, token);
    };
    const { hostname: host, port } = new URL(node.origin);
    const token = async () => (await nova.authorize({ ...upstreams[upstream], base })).token;
    return [
      await one(novaProxy, await token()),
      await one(websockify, `t${rows.indexOf(row)}`),
      await one({ host, port: Number(port) }, await token()),
    ];
  }

  for (const [about, group] of Object.entries(BATTERY))
    for (const row of group)
      test(`${about}: ${row.title}`, async () => {
        assert.deepEqual(await outcomes(row), row.seen);
      });
});

test("where a node is otherwise than Nova's proxy, it is said why", () => {
  const rows = Object.values(BATTERY).flat();

  assert.deepEqual(
    rows.filter(({ seen: [nova, , porthole], why }) => (nova === porthole) === (why !== undefined)),
    [],
  );
  assert.deepEqual(
    UPSTREAMS.filter((name) => name !== "vnc" && !rows.some(({ upstream }) => upstream === name)),
    [],
  );
});
