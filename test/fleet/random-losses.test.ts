import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "#wire/api.ts";
import type { AuditRow } from "#wire/audit.ts";
import { type CuttableWay, openWay } from "../harness/cut.ts";
import { eventually } from "../harness/eventually.ts";
import { type Fleet, type OpenConsole, startFleet } from "../harness/fleet.ts";
import type { Node } from "../harness/porthole.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { scratch } from "../harness/scratch.ts";
import { createDatabase } from "../harness/shared-postgres.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const REPLICAS = 3;
/** The replica that is never killed, and is asked in the end. */
const LAST = REPLICAS - 1;
/** What is lost is away for a random part of this, and well for another: nodes are missed after 2.5 seconds. */
const LONGEST_MS = 4_000;
/** Between one console and the next, so that the machine has time for the losses. */
const REST_MS = 100;
/** One console of so many is kept open, the others are left a little later. */
const KEPT_EVERY = 6;

interface Stage {
  readonly fleet: Fleet;
  /** From the nodes to the replicas. */
  readonly ways: readonly CuttableWay[];
  /** Kills the mortal node, and starts it again. */
  killNode(): Promise<void>;
}

/** Each leaves everything there as it was. */
const LOSSES: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  "a replica stands still": async ({ fleet: { replicas } }) => {
    const { pid } = (replicas[Math.floor(Math.random() * replicas.length)] ?? assert.fail()).process;
    process.kill(pid, "SIGSTOP");
    await aWhile();
    process.kill(pid, "SIGCONT");
  },
  "nodes are cut off without a word": async ({ ways }) => await cut(ways, "silent"),
  "nodes are hung up on": async ({ ways }) => await cut(ways, "hung up"),
  "a node is killed": async ({ killNode }) => await killNode(),
};

test("whatever is killed, stands still or is cut off at random moments, consoles go on but those of a killed node, and each ends once", {
  skip: lackingPostgres,
}, async (context) => {
  await using fleet = await startFleet(REPLICAS, await createDatabase());
  await fleet.api().call("PUT", "settings/consoleproxy.assignment.order", { value: "least-loaded" });
  await using opened = new AsyncDisposableStack();
  const ways = await Promise.all(
    fleet.replicas.map(async ({ link }) => opened.use(await openWay(Number(new URL(link).port)))),
  );
  const links = ways.map(({ port }) => `https://127.0.0.1:${port}`);
  const { path: data } = opened.use(scratch());
  const lasting = await fleet.node({ links });
  let mortal = await fleet.node({ links, data });
  const killNode = async () => {
    await mortal.process.stop("SIGKILL");
    await aWhile();
    mortal = await eventually(async () => await fleet.node({ links, data }));
  };
  const work = openAllTheWhile(fleet, opened);

  for (const name of inAnyOrder(Object.keys(LOSSES))) {
    context.diagnostic(name);
    await aWhile();
    await LOSSES[name]?.({ fleet, ways, killNode });
  }
  for (const { process: replica } of fleet.replicas.slice(0, LAST)) {
    await aWhile();
    await replica.stop("SIGKILL");
  }
  const { kept, left } = await work.stop();

  context.diagnostic(`${kept.length} consoles were kept, ${left.length} left`);
  for (const console of kept) await isOpenOrLost(fleet, { console, lasting, mortal });
  for (const { sessionId } of left) {
    await fleet.untilState(sessionId, "ended", LAST);
    const { ending, nodeId } = await fleet.api(LAST).session(sessionId);
    // A node that was killed before control heard of the end cannot tell it any more.
    const may = nodeId === lasting.id ? ["viewer_closed"] : ["viewer_closed", "node_lost"];
    assert.ok(may.includes(ending?.code ?? "none"), JSON.stringify({ sessionId, nodeId, ending }));
  }
  const ends = await endsOf(fleet);
  for (const { sessionId, viewer } of [...kept, ...left]) {
    const expected = viewer.closed === undefined ? 0 : 1;
    assert.equal(ends.filter((id) => id === sessionId).length, expected, `ends of ${sessionId}`);
  }
  assert.ok(kept.some(({ viewer }) => viewer.closed === undefined) && left.length > 0);
});

/** Opens one console after the other, each of a machine of its own, at whichever replica answers. */
function openAllTheWhile(fleet: Fleet, opened: AsyncDisposableStack) {
  const kept: OpenConsole[] = [];
  const left: OpenConsole[] = [];
  const leaving: Promise<void>[] = [];
  let goesOn = true;
  const done = (async () => {
    for (let count = 0; goesOn; count++) {
      let replica = count;
      const console = await eventually(async () => await open(fleet, { count, replica: replica++ }));
      opened.use(console.viewer);
      if (count % KEPT_EVERY === 0) kept.push(console);
      else {
        left.push(console);
        leaving.push(leave(console));
      }
      await delay(Math.random() * REST_MS);
    }
  })();
  // It is awaited in the end, and may fail before.
  done.catch(() => {});
  return {
    async stop() {
      goesOn = false;
      await done;
      await Promise.all(leaving);
      return { kept, left };
    },
  };
}

async function open(
  { api, machine, replicas }: Fleet,
  { count, replica }: { readonly count: number; readonly replica: number },
): Promise<OpenConsole> {
  const { address } = machine.upstream;
  assert.ok(address.kind === "tcp");
  const asked = api(replica % replicas.length);
  const name = `machine ${count} ${replica}`;
  const screen = { protocol: "rfb", address: `${address.host}:${address.port}` } as const;
  const { id } = await asked.addMachine({ name, ...screen });
  const { sessionId, websocket } = await asked.openConsole(id);
  const viewer = await TestViewer.porthole(`http://${websocket.host}:${websocket.port}`, websocket.token);
  try {
    await viewer.handshake();
  } catch (error) {
    viewer.webSocket.terminate();
    throw error;
  }
  return { sessionId, viewer };
}

/** At a moment of its own, when its node may be without control. Its node may also have been killed before. */
async function leave({ viewer }: OpenConsole): Promise<void> {
  await aWhile();
  viewer.webSocket.close(1000);
  await viewer.untilClosed();
}

/** What nobody left is open on both sides, or was on the node that was killed. */
async function isOpenOrLost(
  fleet: Fleet,
  {
    console: { sessionId, viewer },
    lasting,
    mortal,
  }: { readonly console: OpenConsole; readonly lasting: Node; readonly mortal: Node },
): Promise<void> {
  await eventually(async () => {
    const { state, nodeId, ending } = await fleet.api(LAST).session(sessionId);
    const expected = {
      state: viewer.closed === undefined ? "active" : "ended",
      code: viewer.closed === undefined ? undefined : "node_lost",
      isThere: nodeId === lasting.id ? viewer.closed === undefined : nodeId === mortal.id,
    };
    assert.deepEqual({ state, code: ending?.code, isThere: true }, expected, sessionId);
  });
}

/** The sessions that the audit log says have ended, each as often as it says so. */
async function endsOf(fleet: Fleet): Promise<readonly (string | undefined)[]> {
  const ends: (string | undefined)[] = [];
  for (let after = ""; ; ) {
    const query = `audit?action=console.end&limit=500${after === "" ? "" : `&after=${after}`}`;
    const { items, next } = await fleet.api(LAST).call<Page<AuditRow>>("GET", query);
    ends.push(...items.map(({ sessionId }) => sessionId));
    if (next === undefined) return ends;
    after = next;
  }
}

async function cut(ways: readonly CuttableWay[], how: "silent" | "hung up"): Promise<void> {
  for (const way of ways) way.cut(how);
  await aWhile();
  for (const way of ways) way.mend();
}

/** Not a wait for something: the moment is what is random here. */
async function aWhile(): Promise<void> {
  await delay(Math.random() * LONGEST_MS);
}

function inAnyOrder(names: readonly string[]): readonly string[] {
  return names
    .map((name) => ({ name, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ name }) => name);
}
