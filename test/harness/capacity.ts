import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { LauncherCalls } from "#control/fleet/capacity/calls.ts";
import { newToken, settingsOf } from "#control/fleet/capacity/capacity.ts";
import { Launches } from "#control/fleet/capacity/launches.ts";
import { createFleetReading } from "#control/fleet/capacity/reading.ts";
import { CapacityScans } from "#control/fleet/capacity/scan.ts";
import { createDraining } from "#control/fleet/draining.ts";
import {
  type Instance,
  LaunchError,
  type Launcher,
  type LaunchOrder,
} from "#control/fleet/launchers/launcher.ts";
import { silenceMs } from "#control/fleet/up.ts";
import { createClosing } from "#control/sessions/closing.ts";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import type { OneControl } from "./control.ts";

/** A node of a platform that exists in a test's own time: it joins and registers for real, and has no process. */
export interface TimedInstance {
  readonly order: LaunchOrder;
  state: Instance["state"];
  bootsAt: number;
  nodeId?: string;
  incarnation?: string;
  /** What it says that it carries, where it does not tell the truth. */
  lies?: number;
}

/**
 * A launcher whose machines boot in the time of a test's clock, for what a day brings. What it is asked to do it does at
 * once; its nodes are made by `boot` and are heard of by `beat`.
 */
export class TimedPlatform implements Launcher {
  readonly kind = "timed";
  readonly scope = "timed";
  readonly instances = new Map<string, TimedInstance>();
  readonly #control: OneControl;
  readonly #bootMs: number;
  /** Fails what is launched. */
  failure: string | undefined;
  /** Runs before each launch is done: to be killed in it. */
  beforeLaunch: (() => Promise<void>) | undefined;
  /** Hears what is destroyed. */
  onDestroy: ((instance: TimedInstance) => void) | undefined;
  /** Nodes that it does not take away while others stay. */
  readonly fixed = new Set<string>();
  launched = 0;

  constructor(control: OneControl, { bootMs }: { readonly bootMs: number }) {
    this.#control = control;
    this.#bootMs = bootMs;
  }

  async launch(order: LaunchOrder, signal: AbortSignal): Promise<void> {
    await this.beforeLaunch?.();
    signal.throwIfAborted();
    if (this.failure !== undefined) throw new LaunchError(this.failure);
    if (this.instances.has(order.id)) return;
    this.launched++;
    const bootsAt = this.#control.clock.now() + this.#bootMs;
    this.instances.set(order.id, { order, state: "starting", bootsAt });
  }

  async list(): Promise<readonly Instance[]> {
    return [...this.instances.values()].map(({ order, state }) => ({
      orderId: order.id,
      pool: order.pool,
      state,
      ...(this.fixed.has(order.id) ? { isRemovable: false } : {}),
    }));
  }

  async stop(orderId: string): Promise<void> {
    this.kill(orderId);
  }

  async start(orderId: string): Promise<void> {
    const instance = this.instances.get(orderId);
    if (instance === undefined) throw new LaunchError("there is no such instance");
    if (instance.state !== "stopped") return;
    instance.state = "starting";
    instance.bootsAt = this.#control.clock.now() + this.#bootMs;
  }

  async destroy(orderId: string): Promise<void> {
    const instance = this.instances.get(orderId);
    if (instance !== undefined) this.onDestroy?.(instance);
    this.instances.delete(orderId);
  }

  async close(): Promise<void> {}

  /** It ends without a word. */
  kill(orderId: string): void {
    const instance = this.instances.get(orderId);
    if (instance !== undefined) instance.state = "stopped";
  }

  /** Those whose time has come join, or come back. */
  async boot(): Promise<void> {
    const { link, clock } = this.#control;
    for (const instance of this.instances.values()) {
      if (instance.state !== "starting" || instance.bootsAt > clock.now()) continue;
      if (instance.nodeId === undefined) {
        const { request } = await createCertificateRequest();
        const joinToken = instance.order.join.token.expose();
        instance.nodeId = (await link.join({ joinToken, certificateRequest: request })).nodeId;
      }
      instance.incarnation = randomUUID();
      await link.registry.register(instance.nodeId, {
        incarnation: instance.incarnation,
        version: "1.2.3",
        pageOrigin: "http://node.example.com:8080",
        webSocketOrigin: "http://node.example.com:8080",
        sharesAddress: true,
        maximumSessions: 50,
      });
      instance.state = "running";
    }
  }

  /** Those that run report. */
  async beat(sessionsOf: (nodeId: string) => number = () => 0): Promise<void> {
    for (const { state, nodeId, incarnation, lies } of this.instances.values())
      if (state === "running" && nodeId !== undefined && incarnation !== undefined)
        await this.#control.link.registry.heartbeat(nodeId, {
          incarnation,
          sessions: lies ?? sessionsOf(nodeId),
        });
  }
}

export interface Leader {
  readonly scans: CapacityScans;
  readonly calls: LauncherCalls;
  readonly launches: Launches;
  /** A scan, and all that it sets off. */
  scan(): Promise<void>;
  /** It leads no more, from one moment to the next. */
  depose(): void;
}

/** The scans of one replica, without a timer. */
export function startLeader(control: OneControl, launchers: ReadonlyMap<string, Launcher>): Leader {
  const { store, values, clock, installation } = control;
  const log = pino({ level: "silent" });
  const launches = launchesOf(control);
  const read = createFleetReading(store);
  const deposed = new AbortController();
  const calls = new LauncherCalls(deposed.signal);
  const authority = installation.authority.certificate;
  const scans = new CapacityScans(
    {
      launches,
      launchers,
      log,
      read: async () => await read(silenceMs(values)),
      settings: () => settingsOf(values),
      lostMs: () => values.value("session.lost.timeout"),
      newToken: async (order) => await newToken({ store, clock, authority }, order),
      join: () => ({ controls: ["https://control.example.com:8250"] }),
    },
    calls,
  );
  return {
    scans,
    calls,
    launches,
    async scan() {
      await scans.scan(deposed.signal);
      await calls.idle();
    },
    depose: () => deposed.abort(),
  };
}

const POOL = "default";

/** The default pool with a platform of its own, and a leader that nobody leads but the test. */
export async function timedPool(control: OneControl, bootMs: number) {
  const platform = new TimedPlatform(control, { bootMs });
  const launchers = new Map([[POOL, platform]]);
  const leader = startLeader(control, launchers);
  const set = async (name: string, value: string) => {
    await control.services.settings.set(control.admin, `consoleproxy.${name}`, value);
  };
  await set("loadscan.interval", "60000");
  const pass = async (ms: number) => {
    control.clock.advance(ms);
    await platform.boot();
    await platform.beat();
  };
  const orders = async () =>
    await control.store.db.selectFrom("launches").selectAll().orderBy("id").execute();
  return { platform, launchers, leader, set, pass, orders };
}

/** The orders that are written down in its database. */
export function launchesOf({ store, cluster, audit, values }: OneControl): Launches {
  const closeSessions = createClosing({ store, audit }, cluster);
  const draining = createDraining({ store, cluster, audit, closeSessions });
  return new Launches({ store, audit, cluster, draining, values });
}
