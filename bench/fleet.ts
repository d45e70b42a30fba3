/**
 * `npm run bench:fleet`, row 8: how long a scan of the pools takes, and how long choosing a node for a console, in an
 * installation of 10 000 nodes, 1 000 000 machines and 200 000 sessions that are open, on either database. Prints a
 * table and writes it to bench/results/fleet.md.
 */
import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { createFleetReading } from "#control/fleet/capacity/reading.ts";
import type { Instance, Launcher } from "#control/fleet/launchers/launcher.ts";
import { createSeats } from "#control/fleet/seats.ts";
import { silenceMs } from "#control/fleet/up.ts";
import { startLeader } from "../test/harness/capacity.ts";
import { type OneControl, testControl, testReplicas } from "../test/harness/control.ts";
import { describeMachine } from "./measure/machine.ts";

const NODES = 10_000;
const SESSIONS = 200_000;
const MACHINES = 1_000_000;
/** As many as the setting lets be on a node: so many nodes are full, and the others empty. */
const PER_NODE = 50;
const SCANS = 50;
const CHOICES = 5_000;
/** Rows that one statement makes. */
const PIECE = 20_000;
const POOL = "default";
const SCOPE = "bench";
const RESULTS = fileURLToPath(new URL("results/fleet.md", import.meta.url));

const lines: string[] = [];
const machine = describeMachine();
{
  await using embedded = await testControl();
  await measure("SQLite, embedded", embedded, "SQLite");
}
{
  await using replicas = await testReplicas(1);
  const [control] = replicas.replicas;
  if (control === undefined) throw new Error("there is no replica");
  await measure("PostgreSQL", control, "PostgreSQL");
}
const text = `# Row 8: a large fleet

By \`npm run bench:fleet\`: ${NODES} nodes of one pool, launched by control, ${MACHINES} machines, ${SESSIONS} open sessions; ${SCANS} scans and ${CHOICES} choices each, on ${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}, beside other work.

| database | reading the fleet, median | a whole scan, median | p99 | choosing a node, median | p99 |
| --- | --- | --- | --- | --- | --- |
${lines.join("\n")}

- A scan lists what the launcher has, reads nodes, orders and the count of sessions of each node, tends every order and decides about the pool (src/control/fleet/capacity/scan.ts). The launcher answers from memory: what a real one takes is not control's.
- Machines are none of a scan's business: however many there are, none is read.
- Choosing is what stands before each console's own statement (src/control/fleet/seats.ts): half of the machines are new, the other half have a session already and go back to its node. The first ${SESSIONS / PER_NODE} nodes are full. What of it falls to a reading of the whole fleet, which is in the background but on the same thread, is in these figures.
- The goals are 50 ms for a scan and 5 ms for the p99 of a choice.
`;
process.stdout.write(text);
writeFileSync(RESULTS, text);
process.exit(0);

async function measure(name: string, control: OneControl, database: "SQLite" | "PostgreSQL"): Promise<void> {
  await fill(control, database);
  const { now } = await control.store.db.selectNoFrom(control.store.now.as("now")).executeTakeFirstOrThrow();
  const launcher = await launcherOf(control);
  const leader = startLeader(control, new Map([[POOL, launcher]]));
  const read = createFleetReading(control.store);
  const readings: number[] = [];
  const scans: number[] = [];
  for (let round = 0; round < SCANS + 5; round++) {
    // Warm-up rounds are not counted.
    const list = round < 5 ? [[], []] : [readings, scans];
    list[0]?.push(await timed(async () => void (await read(silenceMs(control.values)))));
    list[1]?.push(await timed(async () => await leader.scan()));
  }
  const pool = leader.scans.pools.get(POOL);
  if (pool?.existing !== NODES || now === 0) throw new Error(`the scan saw ${JSON.stringify(pool)}`);
  const choices = await choose(control);
  const figures = [at(readings, 0.5), at(scans, 0.5), at(scans, 0.99), at(choices, 0.5), at(choices, 0.99)];
  lines.push(`| ${name} | ${figures.map(ms).join(" | ")} |`);
}

async function choose(control: OneControl): Promise<readonly number[]> {
  const chooseSeat = createSeats(control);
  const times: number[] = [];
  for (let count = 0; count < CHOICES; count++) {
    const machine = count % 2 === 0 ? randomInt(SESSIONS) : SESSIONS + randomInt(MACHINES - SESSIONS);
    const guest = { id: `machine-${machine}`, pool: POOL, protocol: "rfb" as const, isExclusive: false };
    times.push(await timed(async () => void (await chooseSeat(guest))));
  }
  return times;
}

/** In statements that the database fills by itself. */
async function fill(control: OneControl, database: "SQLite" | "PostgreSQL"): Promise<void> {
  const { db, now } = control.store;
  const numbers = (count: number) =>
    database === "PostgreSQL"
      ? sql`(select n from generate_series(0, ${sql.lit(count - 1)}) as series(n)) as numbers`
      : sql`(with recursive counted(n) as (select 0 union all select n + 1 from counted where n < ${sql.lit(count - 1)}) select n from counted) as numbers`;
  const { id: projectId } = await control.services.projects
    .list(control.admin, {})
    .then(
      async ({ items: [first] }) =>
        first ?? (await control.services.projects.add(control.admin, { name: "bench" })),
    );
  for (const [setting, value] of [
    ["consoleproxy.session.max", "50"],
    ["consoleproxy.capacity.standby", "10000"],
    ["consoleproxy.launch.max", "10000"],
    ["capacity.shrink.delay", "86400000"],
  ] as const)
    await control.services.settings.set(control.admin, setting, value);
  await sql`insert into nodes (id, pool, certificate_fingerprint, incarnation, page_origin, web_socket_origin, version, sessions, seen_at, created_at)
    select 'node-' || n, ${POOL}, 'fingerprint-' || n, 'start-' || n, 'http://192.0.2.1', 'http://192.0.2.1', '1', 20, ${now} + 3600000, n from ${numbers(NODES)}`.execute(
    db,
  );
  await sql`insert into launches (id, pool, launcher, scope, state, node_id, ordered_at, launched_at, joined_at)
    select 'order-' || n, ${POOL}, 'bench', ${SCOPE}, 'joined', 'node-' || n, n, n, n from ${numbers(NODES)}`.execute(
    db,
  );
  // By pieces, each within the time that a statement has.
  for (let first = 0; first < SESSIONS; first += PIECE)
    await sql`insert into sessions (id, account_id, account_name, project_id, machine_id, machine_name, protocol, api, view_only, purpose, node_id, incarnation, attachment, place, state, created_at, ticket_expires_at, redeemed_at, creator_address, bytes_to_viewer, bytes_from_viewer)
    select 'session-' || (n + ${sql.lit(first)}), 'account', 'account', ${projectId}, 'machine-' || (n + ${sql.lit(first)}), 'machine', 'rfb', 'native', 0, 'console', 'node-' || ((n + ${sql.lit(first)}) / ${sql.lit(PER_NODE)}), 'start', 1, (n + ${sql.lit(first)}) % ${sql.lit(PER_NODE)}, 'active', 0, 0, 0, '192.0.2.1', 0, 0 from ${numbers(PIECE)}`.execute(
      db,
    );
  for (let first = 0; first < MACHINES; first += PIECE)
    await sql`insert into machines (id, project_id, name, name_key, protocol, driver, address, state, created_at, pool)
    select 'machine-' || (n + ${sql.lit(first)}), ${projectId}, 'machine-' || (n + ${sql.lit(first)}), 'machine-' || (n + ${sql.lit(first)}), 'rfb', 'manual', '192.0.2.1:5900', 'present', n, ${POOL} from ${numbers(PIECE)}`.execute(
      db,
    );
  for (const table of ["nodes", "launches", "sessions", "machines"])
    await sql.raw(`${database === "PostgreSQL" ? "vacuum analyze" : "analyze"} ${table}`).execute(db);
}

async function launcherOf({ store }: OneControl): Promise<Launcher> {
  const orders = await store.db.selectFrom("launches").select("id").execute();
  const instances: readonly Instance[] = orders.map(({ id }) => ({
    orderId: id,
    pool: POOL,
    state: "running",
  }));
  const unasked = async () => {
    throw new Error("nothing is launched or taken away here");
  };
  return {
    kind: "bench",
    scope: SCOPE,
    list: async () => instances,
    launch: unasked,
    start: unasked,
    stop: unasked,
    destroy: unasked,
    close: async () => {},
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
