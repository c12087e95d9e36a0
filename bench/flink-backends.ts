import type { Stack } from '../stack/start-stack.js';
import type { BenchRow } from './bench-row.js';
import type { JobRound } from './flink-job.js';
import { jobWishOf, sideText, told, withJobs } from './flink-rates.js';
import type { FlinkWish } from './flink-wish.js';
import { median, medianRatio, pairedRounds } from './rounds.js';

const MB = 1_000_000;

/** The deployed state backend (objects on the heap) against RocksDB (serialised, in managed memory and on disk). */
export async function benchBackends(stack: Stack, wish: FlinkWish): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const statement of ['rtb-ranking', 'performance-5m']) {
    rows.push(
      await withJobs(stack, wish, async (jobs, stores) => {
        const job = jobWishOf(wish, statement, wish.parallelism ?? 1);
        const run = (backend: string) => async () => {
          await stores.empty(statement);
          const settings = { ...job.settings, 'state.backend.type': backend };
          return told(`${statement} on ${backend}`, await jobs.runStatement({ ...job, settings }));
        };
        const paired = await pairedRounds(run('hashmap'), run('rocksdb'), wish.rounds);
        return {
          what: `${statement}, events per processor second with its state on the heap`,
          against: 'with its state in RocksDB',
          ratio: medianRatio(paired, ({ cpuSeconds }) => 1 / cpuSeconds),
          target: null,
          unit: 'x',
          details: `heap: ${sideText(paired.own)}, newest checkpoint ${checkpointText(paired.own)}; RocksDB: ${sideText(paired.other)}, newest checkpoint ${checkpointText(paired.other)}`,
        };
      }),
    );
  }
  return rows;
}

function checkpointText(rounds: readonly JobRound[]): string {
  const sizes = rounds.flatMap(({ checkpointBytes }) => checkpointBytes ?? []);
  return sizes.length === 0 ? 'none in so short a run' : `${(median(sizes) / MB).toFixed(1)} MB`;
}
