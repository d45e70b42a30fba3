import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Leader,
  startLeader,
  type TimedInstance,
  TimedPlatform,
} from "../../../../test/harness/capacity.ts";
import { type OneControl, testControl } from "../../../../test/harness/control.ts";
import { isLive } from "../../sessions/conditions.ts";
import { createTicketSweep } from "../../sessions/session-sweeps.ts";
import { hourlyLaunches } from "./decide.ts";

const POOL = "default";
const STEP_MS = 2 * 60_000;
const HOUR_STEPS = 30;
const LAUNCH_MAX = 6;
const STANDBY = 10;

/** How many people want a console in each hour of the day. */
const WANTED = [
  5, 0, 0, 0, 2, 10, 40, 120, 190, 210, 180, 90, 60, 140, 220, 260, 200, 80, 30, 20, 90, 40, 10, 0,
] as const;

test("a day of waves, deaths and liars: nobody is cut, launch.max holds, and in the end there is standby", async () => {
  await using control = await testControl();
  const day = new Day(control, 20_261_127);
  await day.begin();

  for (let step = 0; step < 24 * HOUR_STEPS; step++) await day.step(step);
  // The night after it: nobody wants anything.
  for (let step = 0; step < 4 * HOUR_STEPS; step++) await day.quietStep();

  const { platform, leader } = day;
  assert.deepEqual(day.cut, []);
  assert.ok(day.most <= LAUNCH_MAX, `${day.most} instances at a time`);
  assert.ok(day.most >= 4, "the waves were waves");
  assert.ok(day.deaths >= 10, "there were deaths");
  assert.ok(day.opened > 500, `${day.opened} consoles were opened`);
  assert.ok(await day.hoursAreBounded());
  const { spare, existing } = leader.scans.pools.get(POOL) ?? { spare: 0, existing: 0 };
  assert.ok(spare >= STANDBY);
  assert.equal(existing, 1, "and what is not needed is gone");
  assert.equal(platform.instances.size, 1);
  const nodes = await control.services.nodes.list(control.admin);
  assert.equal(nodes.length, 1);
});

/** The same numbers every time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

class Day {
  readonly platform: TimedPlatform;
  readonly cut: string[] = [];
  most = 0;
  deaths = 0;
  opened = 0;
  leader: Leader;
  readonly #control: OneControl;
  readonly #random: () => number;
  readonly #sweepTickets: () => Promise<number>;
  /** Nodes that died or were silent by themselves: who was there is lost, and not by us. */
  readonly #dead = new Set<string>();
  readonly #machines: string[] = [];

  constructor(control: OneControl, seed: number) {
    this.#control = control;
    this.#random = dice(seed);
    this.platform = new TimedPlatform(control, { bootMs: STEP_MS / 2 });
    this.leader = this.#newLeader();
    this.#sweepTickets = createTicketSweep(control);
  }

  async begin(): Promise<void> {
    const { services, admin } = this.#control;
    for (const [name, value] of [
      ["loadscan.interval", "60000"],
      ["launch.max", String(LAUNCH_MAX)],
      ["capacity.standby", String(STANDBY)],
    ])
      await services.settings.set(admin, `consoleproxy.${name}`, value ?? "");
    for (let i = 0; i < 40; i++) this.#machines.push((await this.#control.machine()).id);
  }

  async step(step: number): Promise<void> {
    const hour = Math.floor(step / HOUR_STEPS) % 24;
    this.#misfortunes(step);
    await this.#loop(hour);
    await this.#people(WANTED[hour] ?? 0);
    await this.#pass();
  }

  async quietStep(): Promise<void> {
    this.platform.failure = undefined;
    await this.#people(0);
    await this.#pass();
  }

  async #pass(): Promise<void> {
    const { platform } = this;
    this.#control.clock.advance(STEP_MS);
    await platform.boot();
    await platform.beat();
    await this.#sweepTickets();
    await this.leader.scan();
    this.most = Math.max(this.most, platform.instances.size);
  }

  /** Nodes die, lie, and the platform has bad hours; now and then another replica leads, which knows nothing of before. */
  #misfortunes(step: number): void {
    const instances = [...this.platform.instances.values()];
    const any = instances[Math.floor(this.#random() * instances.length)];
    if (any?.state === "running" && this.#random() < 0.03) {
      this.deaths++;
      this.#dead.add(any.nodeId ?? "");
      this.platform.kill(any.order.id);
    }
    if (any !== undefined && this.#random() < 0.05) any.lies = Math.floor(this.#random() * 2 ** 31);
    if (any !== undefined && this.#random() < 0.02) delete any.lies;
    this.platform.failure = step % 300 > 280 ? "no room on any host" : undefined;
    if (step % 97 === 0) {
      this.leader.depose();
      this.leader = this.#newLeader();
    }
  }

  #newLeader(): Leader {
    this.platform.onDestroy = (instance) => this.#destroyed.push(instance);
    return startLeader(this.#control, new Map([[POOL, this.platform]]));
  }

  readonly #destroyed: TimedInstance[] = [];

  /** One who asks for consoles over and over and opens none. */
  async #loop(hour: number): Promise<void> {
    if (hour % 6 !== 4) return;
    for (let i = 0; i < 12; i++) await this.#open();
  }

  async #people(wanted: number): Promise<void> {
    const { db } = this.#control.store;
    const open = await db
      .selectFrom("sessions")
      .select(["id", "node_id"])
      .where(isLive)
      .where("state", "=", "active")
      .execute();
    await this.#look();
    for (const { id } of open.slice(wanted)) await this.#end(id);
    for (let missing = wanted - open.length; missing > 0; missing--) {
      const sessionId = await this.#open();
      if (sessionId === undefined) return;
      await db
        .updateTable("sessions")
        .set({ state: "active", redeemed_at: this.#control.clock.now() })
        .where("id", "=", sessionId)
        .execute();
    }
    // Half an hour is long for a console: some go, others come.
    for (const { id } of open) if (this.#random() < 0.05) await this.#end(id);
  }

  async #open(): Promise<string | undefined> {
    const machineId = this.#machines[Math.floor(this.#random() * this.#machines.length)] ?? "";
    try {
      const { services, admin } = this.#control;
      const { sessionId } = await services.consoles.open(admin, { machineId, api: "native" });
      this.opened++;
      return sessionId;
    } catch {
      return undefined; // There is no room, which is what launch.max means.
    }
  }

  async #end(id: string): Promise<void> {
    const { store } = this.#control;
    await store.db
      .updateTable("sessions")
      .set({ state: "ended", ended_at: store.now, ending_kind: "closed", ending_code: "viewer_closed" })
      .where("id", "=", id)
      .execute();
  }

  /** Whoever was on a node that was taken away, and did not die before that, was cut. */
  async #look(): Promise<void> {
    const { db } = this.#control.store;
    for (const { nodeId, order } of this.#destroyed.splice(0)) {
      if (nodeId === undefined || this.#dead.has(nodeId)) continue;
      const sessions = await db
        .selectFrom("sessions")
        .select("id")
        .where("node_id", "=", nodeId)
        .where("redeemed_at", "is not", null)
        .where((where) => where.or([isLive, where("ending_code", "=", "node_lost")]))
        .execute();
      this.cut.push(...sessions.map(({ id }) => `${id} on ${order.id}`));
    }
  }

  async hoursAreBounded(): Promise<boolean> {
    const rows = await this.#control.store.db.selectFrom("launches").select("ordered_at").execute();
    const times = rows.map(({ ordered_at: at }) => at).sort((a, b) => a - b);
    return times.every(
      (from) =>
        times.filter((at) => at >= from && at < from + 60 * 60_000).length <=
        hourlyLaunches({ launchMax: LAUNCH_MAX }),
    );
  }
}
