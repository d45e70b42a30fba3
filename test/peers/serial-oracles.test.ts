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
import { say } from "./oracles/say.ts";
import {
  LINES,
  SERIAL_BATTERY,
  SERIAL_PATH,
  type SerialLine,
  type SerialRow,
} from "./oracles/serial-battery.ts";

interface Place {
  readonly host: string;
  readonly port: number;
}

/** A line's bytes have no protocol. QEMU's own takes one connection at a time, and each probe has one at two proxies. */
const BEHIND: Readonly<Partial<Record<SerialLine, (caller: Caller) => void>>> = {
  line: ({ socket }) => {
    socket.write("login: ");
    socket.pipe(socket);
  },
  "it ends without a word": ({ socket }) => void socket.resume().end(),
  "it ends once something is typed": ({ socket }) => {
    socket.write("login: ");
    socket.once("data", () => socket.end());
  },
};

describe("nova-serialproxy and a node", { skip: lackingNova }, () => {
  const opened = new AsyncDisposableStack();
  const lines = {} as Record<SerialLine, Place>;
  let nova: Nova;
  let novaProxy: Place;
  let node: Place;
  before(async () => {
    const folder = opened.use(scratch());
    nova = opened.use(await startNova());
    lines["nothing listens"] = { host: "127.0.0.1", port: await onFreePort(async (free) => free) };
    for (const [name, serve] of Object.entries(BEHIND)) {
      const { upstream } = opened.use(await startUpstream(serve));
      if (upstream.address.kind === "tcp") lines[name as SerialLine] = upstream.address;
    }
    novaProxy = opened.use(await nova.startProxy("serial"));
    const cloud = join(folder.path, "clouds.yaml");
    const auth = { endpoint: nova.url, token: NOVA_ADMIN };
    writeFileSync(cloud, JSON.stringify({ clouds: { nova: { auth_type: "admin_token", auth } } }));
    const none = { novaVncCa: null, novaVncCertificate: null, novaVncKey: null };
    const novaBehind = readNovaBehind({ novaCloud: cloud, ...none });
    assert.ok(novaBehind !== undefined);
    const fleet = opened.use(await startFleet({ novaBehind }));
    const { origin }: FleetNode = await fleet.start();
    node = { host: new URL(origin).hostname, port: Number(new URL(origin).port) };
  });
  after(async () => await opened.disposeAsync());

  async function outcome(place: Place, { upstream = "line", ...row }: SerialRow): Promise<string> {
    const base = `ws://${novaProxy.host}/serial`;
    const { token } = await nova.authorize({ type: "serial", ...lines[upstream], base });
    const probe = { path: SERIAL_PATH, ...row };
    if (row.isUsed === true)
      assert.equal(await say(place, { title: "before", path: SERIAL_PATH }, token), "open, binary");
    return await say(place, probe, token);
  }

  for (const [about, group] of Object.entries(SERIAL_BATTERY))
    for (const row of group)
      test(`${about}: ${row.title}`, async () => {
        assert.deepEqual([await outcome(novaProxy, row), await outcome(node, row)], row.seen);
      });
});

test("where a node is otherwise than Nova's proxy for serial lines, it is said why", () => {
  const rows = Object.values(SERIAL_BATTERY).flat();

  assert.deepEqual(
    rows.filter(({ seen: [nova, porthole], why }) => (nova === porthole) === (why !== undefined)),
    [],
  );
  assert.deepEqual(
    LINES.filter((name) => name !== "line" && !rows.some(({ upstream }) => upstream === name)),
    [],
  );
});
