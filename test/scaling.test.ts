import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type CapacityMemory, type CapacityNode, decide } from "#control/fleet/capacity/decide.ts";
import { isSettingName, SETTINGS } from "#control/settings/table.ts";

const DOCUMENT = readFileSync(new URL("../docs/operations/scaling.md", import.meta.url), "utf8");
const HOUR_S = 3600;
/** Within which standby is to be used up at the earliest, as the page has it: a scan, and a node that boots. */
const COVERED_S = 60;

const rows = [...DOCUMENT.matchAll(/^\| (.+) \|$/gm)].map(([, row = ""]) => row.split(" | "));
const heading = rows.findIndex(([title]) => title === "concurrent consoles");
const [, ...sizes] = rows[heading] ?? [];
const table = new Map(
  rows.slice(heading + 2).map(([title = "", ...cells]) => [title.replaceAll("`", ""), cells] as const),
);

test("the page has numbers for 50, 5 000 and 50 000 consoles", () => {
  assert.deepEqual(sizes.map(numberOf), [50, 5_000, 50_000]);
});

for (const [column, size] of sizes.entries()) {
  test(`the numbers for ${size} consoles are ones that the settings take`, () => {
    const named = [...table].filter(([title]) => isSettingName(title));
    assert.ok(named.length >= 5);
    for (const [title, cells] of named)
      if (isSettingName(title)) SETTINGS[title].parse(String(numberOf(cells[column] ?? "")));
  });

  test(`with the numbers for ${size} consoles nobody finds no place while so many come as the page says`, () => {
    const pool = simulated(column);
    const consoles = numberOf(size);
    const perSecond = cell("consoleproxy.capacity.standby", column) / COVERED_S;
    // Nobody has come yet.
    for (let second = 0; second < 10 * 60; second++) pool.pass(0);

    for (let second = 0; pool.consoles() < consoles; second++) {
      const due = Math.floor((second + 1) * perSecond) - Math.floor(second * perSecond);
      assert.equal(pool.pass(Math.min(due, consoles - pool.consoles())), 0, `after ${second} s`);
    }

    const inUse = (table.get("nodes in use")?.[column] ?? "").split(" or ").map(numberOf);
    assert.ok(inUse.includes(pool.inUse()), `${pool.inUse()} nodes are in use`);
    assert.ok(pool.nodes() < cell("consoleproxy.launch.max", column), "nothing is left for mending");
  });
}

/** A pool whose nodes are launched as control decides, second by second. */
function simulated(column: number) {
  const sessionMax = cell("consoleproxy.session.max", column);
  const scanS = cell("consoleproxy.capacityscan.interval", column) / 1000;
  const settings = {
    standby: cell("consoleproxy.capacity.standby", column),
    sessionMax,
    launchMax: cell("consoleproxy.launch.max", column),
    shrinkAfterMs: cell("capacity.shrink.delay", column),
    isAuto: true,
  };
  const nodes: CapacityNode[] = [];
  const launches: number[] = [];
  let memory: CapacityMemory = { spareSince: null };
  let second = 0;
  return {
    consoles: () => nodes.reduce((all, { sessions }) => all + sessions, 0),
    inUse: () => nodes.filter(({ sessions }) => sessions > 0).length,
    nodes: () => launches.length,
    /** Lets a second pass in which so many come; returns how many of them found no place. */
    pass(come: number): number {
      const up = launches.filter((at) => second >= at + COVERED_S - scanS).length;
      while (nodes.length < up) nodes.push(empty(nodes.length));
      if (second % scanS === 0) {
        const coming = launches.length - nodes.length;
        const launchedLately = launches.filter((at) => second - at < HOUR_S).length;
        const view = {
          nodes,
          coming,
          existing: launches.length,
          launchedLately,
          failures: 0,
          failedAt: null,
        };
        const decision = decide(view, { settings, memory, now: second * 1000 });
        assert.deepEqual(decision.leave, [], "nobody has gone");
        memory = decision.memory;
        launches.push(...Array.from({ length: decision.launch }, () => second));
      }
      second++;
      return nodes.reduce((left, node, at) => {
        const taken = Math.min(left, sessionMax - node.sessions);
        nodes[at] = { ...node, sessions: node.sessions + taken };
        return left - taken;
      }, come);
    },
  };
}

function empty(index: number): CapacityNode {
  const more = { maximumSessions: null, isDraining: false, isLeaving: false, isRemovable: true };
  return { id: String(index), sessions: 0, createdAt: index, ...more };
}

function cell(title: string, column: number): number {
  return numberOf(table.get(title)?.[column] ?? "");
}

/** A number as the page writes it, with spaces between thousands. */
function numberOf(text: string): number {
  const number = Number(text.replaceAll(" ", ""));
  assert.ok(text !== "" && Number.isFinite(number), `“${text}” is no number`);
  return number;
}
