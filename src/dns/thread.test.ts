import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { question } from "../../test/harness/dns.ts";
import { startNameServerThread } from "./thread.ts";
import { TYPES } from "./zone.ts";
import type { ZoneData } from "./zone-data.ts";

const ANY = { host: "127.0.0.1", port: 0 } as const;
const GENEROUS_MS = 60_000;

const ZONE: ZoneData = {
  domain: "console.example",
  nameServers: [{ name: "ns.console.example", addresses: ["203.0.113.1"] }],
  contact: "hostmaster@console.example",
  serial: 1,
  issuers: [],
  apex: [],
  addresses: ["203.0.113.7"],
  ranges: [],
  texts: new Map(),
};

/** Asks once, and writes the length of the answer into shared memory. */
const ASKER = `
const { workerData: { port, bytes, answered } } = require("node:worker_threads");
const socket = require("node:dgram").createSocket("udp4");
socket.on("message", (message) => {
  Atomics.store(answered, 0, message.length);
  Atomics.notify(answered, 0);
  socket.close();
});
socket.send(bytes, port, "127.0.0.1");
`;

test("questions are answered while the rest of the process is busy, and counted", async () => {
  await using server = await startNameServerThread([ANY]);
  await server.serve([ZONE]);
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const bytes = question("203-0-113-7.console.example", TYPES.A);
  const workerData = { port: server.addresses[0]?.port, bytes, answered };
  const asker = new Worker(ASKER, { eval: true, workerData });

  // Nothing else runs here meanwhile.
  const woken = Atomics.wait(answered, 0, 0, GENEROUS_MS);

  assert.notEqual(woken, "timed-out");
  assert.ok(Atomics.load(answered, 0) > bytes.length);
  assert.deepEqual([...server.tally.read()], [{ transport: "udp", outcome: "NOERROR", count: 1 }]);
  await asker.terminate();
});

test("an address that is another's is an error of the system, and one that was stopped is free again", async () => {
  const server = await startNameServerThread([ANY]);
  const [taken = ANY] = server.addresses;
  await assert.rejects(startNameServerThread([taken]), { code: "EADDRINUSE" });

  await server[Symbol.asyncDispose]();

  await using again = await startNameServerThread([taken]);
  assert.deepEqual(again.addresses, [taken]);
});

test("zones that cannot be answered from are said to be so, and others are taken after them", async () => {
  await using server = await startNameServerThread([ANY]);
  await server.serve([ZONE]);

  await assert.rejects(server.serve([{ ...ZONE, nameServers: [] }]), /a zone has a name server/);

  await server.serve([ZONE]);
});

test("a thread that comes to an end by itself says so, takes no zones, and can be stopped", async () => {
  const workers: Worker[] = [];
  const note = (worker: Worker) => void workers.push(worker);
  process.on("worker", note);
  const server = await startNameServerThread([ANY]);
  process.off("worker", note);

  await workers[0]?.terminate();

  assert.match((await server.failed).message, /ended by itself/);
  await assert.rejects(server.serve([ZONE]));
  await server[Symbol.asyncDispose]();
});
