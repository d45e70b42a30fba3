/**
 * `npm run bench:losses`: how long it takes until a loss is noticed or mended, on replicas, nodes and a PostgreSQL that are
 * processes of their own. Prints a table and writes it to bench/results/losses.md.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openWay } from "../test/harness/cut.ts";
import { eventually } from "../test/harness/eventually.ts";
import { type Fleet, startFleet } from "../test/harness/fleet.ts";
import { startPostgres } from "../test/harness/postgres.ts";
import { describeMachine } from "./measure/machine.ts";
import { median } from "./measure/statistics.ts";

const TRIALS = 5;
const RESULTS = fileURLToPath(new URL("results/losses.md", import.meta.url));

/** What is lost; until what; and one trial, which resolves to milliseconds. */
const LOSSES: readonly [what: string, until: string, trial: (fleet: Fleet) => Promise<number>][] = [
  [
    "the replica of a node hangs up",
    "a new console is open at another one",
    async (fleet) => await lose(fleet, "hung up"),
  ],
  [
    "the replica of a node stands still",
    "a new console is open at another one",
    async (fleet) => await lose(fleet, "silent"),
  ],
  [
    "all replicas but one that comes back",
    "a new console is open",
    async (fleet) => {
      await using way = await openWay(Number(new URL(fleet.replicas[0]?.link ?? "").port));
      await fleet.node({ links: [`https://127.0.0.1:${way.port}`] });
      await fleet.open();
      way.cut("hung up");
      await eventually(async () => {
        const { sessionId } = await fleet.open().catch(() => ({ sessionId: "refused" }));
        if (sessionId !== "refused") throw new Error("the node still has its replica");
      });
      return await timed(async () => {
        way.mend();
        await eventually(async () => await fleet.open());
      });
    },
  ],
  [
    "a node is killed",
    "its session is detached",
    async (fleet) => {
      const node = await fleet.node();
      const { sessionId } = await fleet.open();
      await fleet.untilState(sessionId, "active");
      return await timed(async () => {
        await node.process.stop("SIGKILL");
        await fleet.untilState(sessionId, "detached", 1);
      });
    },
  ],
  [
    "the way between a node and control is mended",
    "its session is active again",
    async (fleet) => {
      await using way = await openWay(Number(new URL(fleet.replicas[0]?.link ?? "").port));
      await fleet.node({ links: [`https://127.0.0.1:${way.port}`] });
      const { sessionId } = await fleet.open();
      await fleet.untilState(sessionId, "active");
      way.cut("silent");
      await fleet.untilState(sessionId, "detached");
      return await timed(async () => {
        way.mend();
        await fleet.untilState(sessionId, "active");
      });
    },
  ],
  [
    "a session is ended at another replica",
    "its viewer is told",
    async (fleet) =>
      await untilTold(fleet, async (id) => await fleet.api(1).call("POST", `sessions/${id}/end`)),
  ],
  [
    "a machine is removed at another replica",
    "its viewer is told",
    async (fleet) =>
      await untilTold(fleet, async () => await fleet.api(1).call("DELETE", `machines/${fleet.machineId}`)),
  ],
  [
    "the leading replica is killed",
    "another one leads",
    async (fleet) => {
      const leads = async (index: number) =>
        await eventually(() => {
          if (!/"task":"sweeps".*"This replica leads"/.test(fleet.replicas[index]?.process.stderr.text ?? ""))
            throw new Error("it does not lead yet");
        });
      await leads(0);
      return await timed(async () => {
        await fleet.replicas[0]?.process.stop("SIGKILL");
        await leads(1);
      });
    },
  ],
];

const machine = describeMachine();
const chosen = process.argv.slice(2);
await using postgres = await startPostgres();
const lines = ["| lost | until | median | longest |", "| --- | --- | --- | --- |"];
for (const [what, until, trial] of LOSSES.filter(
  (_, index) => chosen.length === 0 || chosen.includes(`${index + 1}`),
)) {
  const times: number[] = [];
  for (let count = 0; count < TRIALS; count++) {
    await using fleet = await startFleet(2, await postgres.createDatabase());
    times.push(await trial(fleet));
  }
  lines.push(`| ${what} | ${until} | ${seconds(median(times))} | ${seconds(Math.max(...times))} |`);
  process.stderr.write(`${lines.at(-1)}\n`);
}
const text = `# How long losses take\n\nBy \`npm run bench:losses\`, ${TRIALS} trials each, two replicas, loadscan interval 1 s, on ${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}.\n\n${lines.join("\n")}\n`;
process.stdout.write(text);
if (chosen.length === 0) writeFileSync(RESULTS, text);

/** Cuts the way to that replica which the node has, as it looks when the replica is killed, or stands still. */
async function lose(fleet: Fleet, how: "silent" | "hung up"): Promise<number> {
  await using one = await openWay(Number(new URL(fleet.replicas[0]?.link ?? "").port));
  await using other = await openWay(Number(new URL(fleet.replicas[1]?.link ?? "").port));
  await fleet.node({ links: [one, other].map(({ port }) => `https://127.0.0.1:${port}`) });
  await fleet.open();
  return await timed(async () => {
    (one.connections > 0 ? one : other).cut(how);
    await eventually(async () => await fleet.open());
  });
}

/** From what is done at the second replica to the end at the viewer, whose node has the first one. */
async function untilTold(fleet: Fleet, end: (sessionId: string) => Promise<unknown>): Promise<number> {
  await fleet.node({ links: linksOf(fleet, 0) });
  const { sessionId, viewer } = await fleet.open();
  await fleet.untilState(sessionId, "active");
  return await timed(async () => {
    await end(sessionId);
    await viewer.untilClosed();
  });
}

function linksOf({ replicas }: Fleet, ...indexes: readonly number[]): readonly string[] {
  return indexes.map((index) => replicas[index]?.link ?? "");
}

async function timed(work: () => Promise<void>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
