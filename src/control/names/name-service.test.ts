import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { pino } from "pino";
import type { FromThread } from "#dns/thread-worker.ts";
import { TYPES } from "#dns/zone.ts";
import { type TestControl, testControl, testReplicas } from "../../../test/harness/control.ts";
import { question, read } from "../../../test/harness/dns.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { createChallenges } from "./challenges.ts";
import { startNames } from "./name-service.ts";
import { createZoneReading, type ReadZones } from "./zone-reading.ts";

const log = pino({ level: "silent" });
const ANY = { host: "127.0.0.1", port: 0 };

type Parts = Pick<TestControl, "store" | "values" | "clock" | "cluster">;

/** Nothing is read but what somebody tells of, where it is not said. */
async function start(
  parts: Parts,
  {
    readZones = createZoneReading({ ...parts, ownAddresses: ["127.0.0.1"] }),
    readMs = 24 * 60 * 60 * 1000,
  }: { readonly readZones?: ReadZones; readonly readMs?: number } = {},
) {
  await using opened = new AsyncDisposableStack();
  const names = await startNames({ ...parts, listen: [ANY], readZones, log, readMs, restartMs: 1 });
  opened.defer(names.stop);
  const port = names.addresses[0]?.port ?? 0;
  const socket = createSocket("udp4");
  opened.defer(() => void socket.close());
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const owned = opened.move();
  return {
    async ask(name: string, type: number = TYPES.A) {
      const answered = once(socket, "message");
      socket.send(question(name, type), port, "127.0.0.1");
      const [bytes] = (await answered) as [Buffer];
      const { rcode, answers = [] } = read(bytes);
      return { rcode, data: answers.map((each) => ("data" in each ? each.data : undefined)) };
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

test("a node's name is answered as soon as it has registered, and while the database is away", async () => {
  await using control = await testControl();
  await control.services.settings.set(control.admin, "consoleproxy.url.domain", "*.console.example");
  const readZones = createZoneReading({ ...control, ownAddresses: [] });
  let isAway = false;
  await using names = await start(control, {
    async readZones() {
      if (isAway) throw new Error("the database is away");
      return await readZones();
    },
  });
  const before = await names.ask("203-0-113-7.console.example");

  await control.node({ pageOrigin: "http://203.0.113.7" });
  await eventually(async () =>
    assert.equal((await names.ask("203-0-113-7.console.example")).rcode, "NOERROR"),
  );
  const { data: serials } = await names.ask("console.example", TYPES.SOA);
  isAway = true;
  await control.cluster.publish(control.store.db, "names", "");

  assert.equal(before.rcode, "NXDOMAIN");
  assert.deepEqual((await names.ask("203-0-113-7.console.example")).data, ["203.0.113.7"]);
  assert.deepEqual((await names.ask("console.example", TYPES.SOA)).data, serials);
});

test("a name server whose thread fails answers again at the same address, and what control is told goes on", async () => {
  await using control = await testControl();
  await control.services.settings.set(control.admin, "consoleproxy.url.domain", "*.console.example");
  await control.node({ pageOrigin: "http://203.0.113.7" });
  const serving = new Set<Worker>();
  const note = (worker: Worker) =>
    void worker.on("message", ({ kind }: FromThread) => {
      if (kind === "served") serving.add(worker);
    });
  process.on("worker", note);
  await using names = await start(control);
  const [first] = serving;
  assert.equal((await names.ask("203-0-113-7.console.example")).rcode, "NOERROR");

  await first?.terminate();
  await eventually(() => assert.equal(serving.size, 2));
  process.off("worker", note);

  assert.deepEqual((await names.ask("203-0-113-7.console.example")).data, ["203.0.113.7"]);
  await control.node({ pageOrigin: "http://203.0.113.8" });
  await eventually(async () =>
    assert.deepEqual((await names.ask("203-0-113-8.console.example")).data, ["203.0.113.8"]),
  );
});

test("a domain that is set is answered for, and what is set no more is refused", async () => {
  await using control = await testControl();
  await using names = await start(control, { readMs: 50 });
  const set = async (domain: string) =>
    await control.services.settings.set(control.admin, "consoleproxy.url.domain", domain);
  const rcode = async () => (await names.ask("console.example", TYPES.SOA)).rcode;
  assert.equal(await rcode(), "REFUSED");

  await set("console.example");
  await eventually(async () => assert.equal(await rcode(), "NOERROR"));
  await set("");
  await eventually(async () => assert.equal(await rcode(), "REFUSED"));
});

test("a port that is taken is said with its flag", async () => {
  await using control = await testControl();
  const parts = { ...control, readZones: createZoneReading({ ...control, ownAddresses: [] }), log };
  const first = await startNames({ ...parts, listen: [ANY] });
  const [taken = ANY] = first.addresses;

  await assert.rejects(
    startNames({ ...parts, listen: [ANY, taken] }),
    /--dns-listen 127\.0\.0\.1:0,.*EADDRINUSE/,
  );
  await first.stop();
});

test("what one replica is told, each of them answers", { skip: lackingPostgres }, async () => {
  await using opened = await testReplicas(2);
  const [one, two] = opened.replicas;
  assert.ok(one !== undefined && two !== undefined);
  await one.services.settings.set(one.admin, "consoleproxy.url.domain", "*.console.example");
  await using first = await start(one);
  await using second = await start(two);
  const name = "_acme-challenge.console.example";

  await one.node({ pageOrigin: "http://203.0.113.7" });
  await createChallenges(two).add({ name, value: "token", lifetimeMs: 60_000 });

  for (const names of [first, second]) {
    await eventually(async () =>
      assert.deepEqual((await names.ask("203-0-113-7.console.example")).data, ["203.0.113.7"]),
    );
    await eventually(async () => assert.equal(String((await names.ask(name, TYPES.TXT)).data), "token"));
  }
});
