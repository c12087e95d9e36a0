import { beforeEach, expect, it } from 'vitest';
import type { StatementStatus } from '../flink/deployment.js';
import type { StatementFigures } from '../flink/statement-figures.js';
import { createMetrics, type Metrics } from '../infra/metrics.js';
import { statementMetrics } from './flink-metrics.js';

const STATEMENT = 'conversion-match-24h';
const FIGURES: StatementFigures = {
  lateRecords: 0,
  setAsideRecords: 0,
  refusedRows: 0,
  waitingRows: 3,
  waitingKeys: 4,
  lagRecords: 5,
  watermarkMs: undefined,
};
const STATUS: StatementStatus = {
  desired: 'running',
  running: true,
  detail: 'RUNNING',
  jobId: 'a',
  checkpointAgeMs: 6,
  checkpointBytes: 7,
  failedCheckpoints: 0,
  restarts: 0,
  refusedStates: 0,
  figures: FIGURES,
};

let metrics: Metrics;
let observed: ReturnType<typeof statementMetrics>;

beforeEach(() => {
  metrics = createMetrics({ defaultMetrics: false });
  observed = statementMetrics(metrics);
});

const observe = (figures: Partial<StatementFigures>) =>
  observed(STATEMENT, { ...STATUS, figures: { ...FIGURES, ...figures } });

async function shown(name: string): Promise<number | undefined> {
  const text = await metrics.registry.metrics();
  const line = text.split('\n').find((one) => one.startsWith(`${name}{statement="${STATEMENT}"} `));
  return line === undefined ? undefined : Number(line.split(' ')[1]);
}

it.each([
  ['ads_flink_set_aside_records_total', 'setAsideRecords'],
  ['ads_flink_late_records_total', 'lateRecords'],
] as const)(
  '%s rises by what is new, also when a job that restarted counts from zero',
  async (name, figure) => {
    const seen: (number | undefined)[] = [];
    for (const count of [2, 2, 5, 1]) {
      observe({ [figure]: count });
      seen.push(await shown(name));
    }
    expect(seen).toEqual([2, 2, 5, 6]);
  },
);

it('shows no old figure when none is known', async () => {
  observe({});
  expect(await shown('ads_flink_lag_records')).toBe(5);
  expect(await shown('ads_flink_checkpoint_age_ms')).toBe(6);
  observed(STATEMENT, { ...STATUS, running: false, checkpointAgeMs: undefined, figures: undefined });
  expect(await shown('ads_flink_lag_records')).toBeUndefined();
  expect(await shown('ads_flink_checkpoint_age_ms')).toBeUndefined();
  expect(await shown('ads_flink_statement_running')).toBe(0);
});
