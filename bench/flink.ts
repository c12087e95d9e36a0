import type { Stack } from '../stack/start-stack.js';
import type { BenchRow } from './bench-row.js';
import { benchBackends } from './flink-backends.js';
import { benchRate } from './flink-rates.js';
import { benchState } from './flink-state.js';
import type { FlinkWish } from './flink-wish.js';

type FlinkPart = (stack: Stack, wish: FlinkWish) => Promise<BenchRow[]>;

/** Three times what the ranking did (14,000/s on two cores) before its best ads were one aggregate. */
const RANKING_PER_SECOND = 42_000;

/** Parts of `npm run bench -- flink`, in order. */
export const FLINK_PARTS: Readonly<Record<string, FlinkPart>> = {
  performance: (stack, wish) =>
    benchRate(stack, wish, {
      statement: 'performance-5m',
      parallelism: 1,
      share: { atLeast: 0.4 },
      perSecond: null,
    }),
  match: (stack, wish) =>
    benchRate(stack, wish, {
      statement: 'conversion-match-24h',
      parallelism: 1,
      share: { atLeast: 0.15 },
      perSecond: null,
    }),
  ranking: (stack, wish) =>
    benchRate(stack, wish, { statement: 'rtb-ranking', parallelism: 1, share: null, perSecond: null }),
  'ranking-2': (stack, wish) =>
    benchRate(stack, wish, {
      statement: 'rtb-ranking',
      parallelism: 2,
      share: null,
      perSecond: { atLeast: RANKING_PER_SECOND },
    }),
  state: benchState,
  backends: benchBackends,
};

/** Flink as in production (three processes, both compilers), and the stores that statements read and write. */
export const FLINK_STACK = {
  flink: 'cluster',
  parts: ['postgres', 'redis', 'kafka', 'flink-jobmanager', 'flink-taskmanager', 'flink-gateway'],
} as const;
