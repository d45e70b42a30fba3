import type { Counter, Gauge, Histogram, Registry } from "prom-client";

const limits = {
  /** For all that is set at a reading. Whoever reads waits for about ten seconds, and is to get the rest in any case. */
  collectMs: 2_000,
} as const;

/** One metric, as it is documented and as it is made. */
export interface MetricDefinition {
  readonly type: "counter" | "gauge" | "histogram";
  /** A whole sentence, with the unit. */
  readonly help: string;
  /** Each has few values, all of them ours: no ids, no addresses, nothing that a peer makes up. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[];
}

export type MetricTable = Readonly<Record<string, MetricDefinition>>;
type Labels = Readonly<Record<string, string>>;

/** Says what a metric is now; of a counter, what it is in all. */
type SetMetric<Name extends string> = (name: Name, value: number, labels?: Labels) => void;

/** Counts and measures. Made where somebody is to read it, and nowhere else: everybody else has none, and pays nothing. */
export interface Meters<Name extends string> {
  add(name: Name, labels?: Labels, amount?: number): void;
  observe(name: Name, seconds: number, labels?: Labels): void;
  /**
   * Runs at each reading, and sets what is known only then. What one has not set when it throws, or in time, is missing in
   * that reading.
   */
  onRead(collect: (set: SetMetric<Name>) => void | Promise<void>): void;
  /** In Prometheus' text format. */
  read(): Promise<string>;
}

/** Loads prom-client, which takes a tenth of a second and some megabytes, and makes the table's metrics. */
export async function loadMeters<const Table extends MetricTable>(
  table: Table,
): Promise<Meters<keyof Table & string>> {
  const { Counter, Gauge, Histogram, Registry } = await import("prom-client");
  const registry = new Registry();
  const metrics = new Map<string, Counter | Gauge | Histogram>();
  for (const [name, { type, help, labels, buckets }] of Object.entries<MetricDefinition>(table)) {
    const common = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === "counter") metrics.set(name, new Counter(common));
    else if (type === "gauge") metrics.set(name, new Gauge(common));
    else metrics.set(name, new Histogram({ ...common, buckets: [...(buckets ?? [])] }));
  }
  return new PrometheusMeters(registry, metrics, (metric) => metric instanceof Gauge);
}

class PrometheusMeters<Name extends string> implements Meters<Name> {
  readonly #registry: Registry;
  readonly #metrics: ReadonlyMap<string, Counter | Gauge | Histogram>;
  readonly #isGauge: (metric: unknown) => metric is Gauge;
  readonly #collects: ((set: SetMetric<Name>) => void | Promise<void>)[] = [];
  /** Two who read at once are answered one after the other, or one would read what the other has cleared. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(
    registry: Registry,
    metrics: ReadonlyMap<string, Counter | Gauge | Histogram>,
    isGauge: (metric: unknown) => metric is Gauge,
  ) {
    this.#registry = registry;
    this.#metrics = metrics;
    this.#isGauge = isGauge;
  }

  add(name: Name, labels: Labels = {}, amount = 1): void {
    (this.#metrics.get(name) as Counter).inc(labels, amount);
  }

  observe(name: Name, seconds: number, labels: Labels = {}): void {
    (this.#metrics.get(name) as Histogram).observe(labels, seconds);
  }

  onRead(collect: (set: SetMetric<Name>) => void | Promise<void>): void {
    this.#collects.push(collect);
  }

  async read(): Promise<string> {
    const reading = this.#reading.then(async () => await this.#readNow());
    this.#reading = reading.catch(() => {});
    return await reading;
  }

  async #readNow(): Promise<string> {
    for (const metric of this.#metrics.values()) if (this.#isGauge(metric)) metric.reset();
    const totals = new Set<string>();
    let isOver = false;
    const set: SetMetric<Name> = (name, value, labels = {}) => {
      if (isOver) return; // It would stand in the next reading as if it were of then.
      const metric = this.#metrics.get(name);
      if (this.#isGauge(metric)) metric.set(labels, value);
      else if (metric !== undefined) {
        if (!totals.has(name)) metric.reset();
        totals.add(name);
        (metric as Counter).inc(labels, value);
      }
    };
    await atMost(
      limits.collectMs,
      Promise.allSettled(this.#collects.map(async (collect) => await collect(set))),
    );
    isOver = true;
    return await this.#registry.metrics();
  }
}

/** Resolves when the work is done, or after so many milliseconds. */
async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** Seconds since a time of performance.now(). */
export function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
