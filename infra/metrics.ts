import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** One registry per operating-system process; names begin with `ads_`, units last (`_ms`, `_krw`, `_total`). */
export interface Metrics {
  readonly registry: Registry;
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  gauge(name: string, help: string, labels?: readonly string[]): Gauge;
  /** Buckets in milliseconds. */
  histogramMs(name: string, help: string, labels?: readonly string[]): Histogram;
}

const LATENCY_BUCKETS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

export function createMetrics(options: { defaultMetrics: boolean }): Metrics {
  const registry = new Registry();
  if (options.defaultMetrics) collectDefaultMetrics({ register: registry });
  const reuse = <T>(name: string, create: () => T): T =>
    (registry.getSingleMetric(name) as T | undefined) ?? create();
  return {
    registry,
    counter: (name, help, labels = []) =>
      reuse(name, () => new Counter({ name, help, labelNames: [...labels], registers: [registry] })),
    gauge: (name, help, labels = []) =>
      reuse(name, () => new Gauge({ name, help, labelNames: [...labels], registers: [registry] })),
    histogramMs: (name, help, labels = []) =>
      reuse(
        name,
        () =>
          new Histogram({
            name,
            help,
            labelNames: [...labels],
            buckets: LATENCY_BUCKETS_MS,
            registers: [registry],
          }),
      ),
  };
}
