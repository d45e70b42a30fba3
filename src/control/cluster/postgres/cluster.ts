import { sql } from "kysely";
import type pg from "pg";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import type { Secret } from "#base/secret.ts";
import { connectionOptions } from "../../store/postgres/pool.ts";
import { type Cluster, requireShort, TOPICS, type Topic } from "../cluster.ts";
import { Subscribers } from "../subscribers.ts";
import { DatabaseClock } from "./database-clock.ts";
import { Lead } from "./lead.ts";
import { Session, type SessionUser } from "./session.ts";

const CHANNEL_PREFIX = "porthole_";

/** A cluster, and the clock that all of it goes by. */
interface PostgresCluster {
  readonly cluster: Cluster;
  readonly clock: Clock;
}

/**
 * Replicas that share a PostgreSQL: they hear each other by LISTEN and NOTIFY, and lead by advisory locks, on a session
 * that each of them keeps for it. That needs the server itself, or a pooler that gives out sessions.
 */
export async function joinPostgresCluster({
  url,
  clock: own,
  log,
}: {
  readonly url: Secret;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<PostgresCluster> {
  const subscribers = new Subscribers(log);
  const leads = new Map<string, Lead>();
  const clock = new DatabaseClock(own);
  const session = new Session(connectionOptions(url), { user: user({ subscribers, leads, clock }), log });
  try {
    await session.opened();
  } catch (error) {
    await session.close();
    throw error;
  }

  const stop = async (name: string, lead: Lead) => {
    await lead.stop();
    if (leads.get(name) === lead) leads.delete(name);
  };
  const cluster: Cluster = {
    async publish(db, topic, text) {
      requireShort(topic, text);
      await sql`select pg_notify(${channelOf(topic)}, ${text})`.execute(db);
    },

    subscribe(topic, subscriber) {
      return subscribers.add(topic, subscriber);
    },

    lead(name, task) {
      if (leads.has(name)) throw new Error(`${name} is led here already`);
      const lead = new Lead(name, { task, log });
      leads.set(name, lead);
      return { stop: async () => await stop(name, lead) };
    },

    async close() {
      subscribers.clear();
      await Promise.all([...leads].map(async ([name, lead]) => await stop(name, lead)));
      await session.close();
    },
  };
  return { cluster, clock };
}

function user({
  subscribers,
  leads,
  clock,
}: {
  readonly subscribers: Subscribers;
  readonly leads: ReadonlyMap<string, Lead>;
  readonly clock: DatabaseClock;
}): SessionUser {
  return {
    async opened(client) {
      for (const topic of TOPICS) await client.query(`listen ${channelOf(topic)}`);
      await clock.measure(async () => await timeOf(client));
      for (const topic of TOPICS) subscribers.missed(topic);
    },
    async beat(client) {
      await clock.measure(async () => await timeOf(client));
      for (const lead of leads.values()) await lead.beat(client);
    },
    heard(channel, text) {
      const topic = TOPICS.find((each) => channelOf(each) === channel);
      if (topic !== undefined) subscribers.heard(topic, text);
    },
    lost() {
      for (const lead of leads.values()) lead.lost();
    },
  };
}

/** A name that needs no quotes: topics are words. */
function channelOf(topic: Topic): string {
  return CHANNEL_PREFIX + topic;
}

async function timeOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ now: number }>(
    "select (extract(epoch from clock_timestamp()) * 1000)::bigint as now",
  );
  return rows[0]?.now ?? 0;
}
