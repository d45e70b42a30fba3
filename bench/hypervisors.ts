/**
 * `npm run bench:hypervisors`: how long a libvirt of a thousand machines takes to list, beside virsh, and how often one is asked on which
 * nothing happens. Prints a table and writes it to bench/results/hypervisors.md.
 */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createLibvirtDriver } from "#hypervisors/libvirt/driver.ts";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import type { Hypervisor } from "#wire/hypervisors.ts";
import { eventually } from "../test/harness/eventually.ts";
import { startPorthole } from "../test/harness/porthole.ts";
import { scratch } from "../test/harness/scratch.ts";
import { type Libvirt, startLibvirt } from "../test/peers/libvirt.ts";
import { startRounds } from "../test/peers/rounds.ts";
import { describeMachine } from "./measure/machine.ts";
import { median } from "./measure/statistics.ts";

const MACHINES = 1_000;
const TRIALS = 5;
const IDLE_SECONDS = 120;
const RESULTS = fileURLToPath(new URL("results/hypervisors.md", import.meta.url));

const machine = describeMachine();
const lines = ["| what | median | longest |", "| --- | --- | --- |"];
await using libvirt = await startLibvirt();
const file = join(libvirt.logs, "machines.xml");
writeFileSync(file, testDriverOf(MACHINES), { mode: 0o644 });
await listing(libvirt);
const callsPerMinute = await idle(libvirt);

const text = `# What hypervisors cost

By \`npm run bench:hypervisors\`, ${TRIALS} trials each, on ${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}. The hypervisor is libvirt's test driver with ${MACHINES} machines, behind libvirtd.

${lines.join("\n")}

A libvirt of ${MACHINES} machines that is followed, and on which nothing happens, is asked ${callsPerMinute.toFixed(0)} times a minute.
`;
process.stdout.write(text);
writeFileSync(RESULTS, text);

/** Beside virsh, which says names and UUIDs alone; control's driver says what each one's guest is, too. */
async function listing({ socket, virsh }: Libvirt): Promise<void> {
  const uri = `test://${file}`;
  await using driver = createLibvirtDriver({
    endpoint: parseEndpoint(`${uri}?socket=${socket}`),
    credentials: {},
    isReadOnly: false,
  });
  const signal = AbortSignal.timeout(60_000);
  await driver.find(randomUUID(), signal);
  const ways: Readonly<Record<string, () => Promise<number>>> = {
    "control's driver lists them, once connected": async () => (await driver.list(signal)).length,
    "virsh lists names and UUIDs, with connecting": async () => {
      const listed = await virsh("--connect", `${uri}?socket=${socket}`, "list", "--all", "--name", "--uuid");
      return listed.trim().split("\n").length;
    },
  };
  for (const [what, list] of Object.entries(ways)) {
    const times: number[] = [];
    for (let trial = 0; trial < TRIALS; trial++) {
      const since = performance.now();
      const length = await list();
      times.push(performance.now() - since);
      if (length !== MACHINES) throw new Error(`${what}: ${length}`);
    }
    lines.push(`| ${what} | ${median(times).toFixed(0)} ms | ${Math.max(...times).toFixed(0)} ms |`);
  }
}

async function idle({ logs, socket }: Libvirt): Promise<number> {
  await using folder = scratch();
  const way = join(folder.path, "way");
  await using rounds = await startRounds(way, socket);
  await using porthole = await startPorthole();
  const address = `test://${join(logs, "machines.xml")}?socket=${way}`;
  await porthole.api.call("POST", "hypervisors", { name: "bench", platform: "libvirt", address });
  await eventually(async () => {
    const { items } = await porthole.api.call<{ readonly items: readonly Hypervisor[] }>(
      "GET",
      "hypervisors",
    );
    const known = items[0]?.waiting ?? 0;
    if (known < MACHINES) throw new Error(`${known} of them are known`);
  });
  const before = rounds.calls;
  await delay(IDLE_SECONDS * 1000);
  return ((rounds.calls - before) * 60) / IDLE_SECONDS;
}

function testDriverOf(machines: number): string {
  const domain = (index: number) => `<domain type='test'><name>vm${index}</name><uuid>${randomUUID()}</uuid>
    <memory unit='MiB'>16</memory><os><type>hvm</type></os></domain>`;
  return `<node>${Array.from({ length: machines }, (_, index) => domain(index)).join("\n")}</node>`;
}
