import { readFileSync } from 'node:fs';
import type { Stack } from '../stack/start-stack.js';
import type { BenchRow, BenchTarget } from './bench-row.js';
import { AppendedLog } from './flink-append.js';
import { FlinkJobs, type JobRound, type JobWish, topicsOf, type Vertex } from './flink-job.js';
import { profileOfJvm } from './flink-profile.js';
import { type FlinkStores, withFlinkStores } from './flink-stores.js';
import type { FlinkWish } from './flink-wish.js';
import { median, medianRatio, type Paired, pairedRounds } from './rounds.js';

/** What a statement costs over reading the same records and throwing them away, per core and on the wall clock. */
export interface RateWish {
  readonly statement: string;
  readonly parallelism: number;
  /** Of the events per processor second, over those of the pass-through. */
  readonly share: BenchTarget | null;
  /** Of the events per second of the wall clock. */
  readonly perSecond: BenchTarget | null;
}

let appended: Promise<AppendedLog> | undefined;

/** One log for all parts of a run. */
const logOf = ({ log }: FlinkWish) => {
  appended ??= AppendedLog.of(log).then((whole) => {
    process.stdout.write(`  log (seed ${log.seed}): ${whole.mix}\n`);
    return whole;
  });
  return appended;
};

/** Hands over how to run the statement and its other side. */
export async function withJobs<T>(
  stack: Stack,
  wish: FlinkWish,
  use: (jobs: FlinkJobs, stores: FlinkStores, log: AppendedLog) => Promise<T>,
): Promise<T> {
  const log = await logOf(wish);
  return withFlinkStores(log.config, (stores) =>
    use(new FlinkJobs(log, stores.config, () => stack.pidOf('flink-taskmanager')), stores, log),
  );
}

export const jobWishOf = (
  { settings, sqlFile }: FlinkWish,
  statement: string,
  parallelism: number,
): JobWish => ({
  statement,
  parallelism,
  settings,
  sql: sqlFile === null ? null : readFileSync(sqlFile, 'utf8'),
});

export async function benchRate(stack: Stack, wish: FlinkWish, rate: RateWish): Promise<BenchRow[]> {
  return withJobs(stack, wish, async (jobs, stores, log) => {
    const job = jobWishOf(wish, rate.statement, wish.parallelism ?? rate.parallelism);
    const paired = await pairedRounds(
      async () => {
        await stores.empty(rate.statement);
        return told(rate.statement, await jobs.runStatement(job));
      },
      async () => told('pass-through', await jobs.runPassThrough(job)),
      wish.rounds,
    );
    if (wish.profile) {
      const pid = stack.pidOf('flink-taskmanager');
      const { lines } = await profileOfJvm(pid, () => jobs.runStatement(job));
      process.stdout.write(`${lines.map((line) => `    ${line}\n`).join('')}`);
    }
    return rateRows(rate, job.parallelism, log.recordsIn(topicsOf(rate.statement)), paired);
  });
}

function rateRows(
  rate: RateWish,
  parallelism: number,
  records: number,
  { own, other }: Paired<JobRound, JobRound>,
): BenchRow[] {
  const what = `${rate.statement}, parallelism ${parallelism}`;
  const last = own.at(-1)?.vertices ?? [];
  return [
    {
      what: `${what}, events per processor second`,
      against: 'reading the same records with the same columns into nothing',
      ratio: medianRatio({ own, other }, ({ cpuSeconds }) => 1 / cpuSeconds),
      target: rate.share,
      unit: 'x',
      details: `${records} records, ${own.length} pairs; statement: ${sideText(own)}; pass-through: ${sideText(other)}`,
      profile: [
        `busy, by part of the job (last round, ${own.at(-1)?.wallSeconds.toFixed(1)} s):`,
        ...verticesText(last),
      ],
    },
    {
      what: `${what}, events per second`,
      against: '',
      ratio: median(own.map(({ perSecond }) => perSecond)),
      target: rate.perSecond,
      unit: '/s',
      details: 'wall clock; TaskManager, Kafka, Redis and PostgreSQL share the cores',
    },
  ];
}

export function sideText(rounds: readonly JobRound[]): string {
  const kinds = new Set(rounds.flatMap((one) => Object.keys(one.cpuByKind)));
  const spent = [...kinds].map(
    (kind) => `${kind} ${median(rounds.map((one) => one.cpuByKind[kind] ?? 0)).toFixed(1)}`,
  );
  const perSecond = Math.round(median(rounds.map((one) => one.perSecond)));
  const cpuSeconds = median(rounds.map((one) => one.cpuSeconds)).toFixed(1);
  return `${perSecond}/s, ${cpuSeconds} s of processor (${spent.join(', ')})`;
}

/** Printed at once: who tunes a statement watches this. */
export function told(side: string, round: JobRound): JobRound {
  const late = round.late === 0 ? '' : `, ${round.late} late`;
  process.stdout.write(`  ${side}: wall ${round.wallSeconds.toFixed(1)} s, ${sideText([round])}${late}\n`);
  return round;
}

function verticesText(vertices: readonly Vertex[]): string[] {
  return vertices.map(
    ({ name, recordsIn, recordsOut, busySeconds, backPressuredSeconds }) =>
      `${busySeconds.toFixed(1)} s busy, ${backPressuredSeconds.toFixed(1)} s held up, ${recordsIn} in, ${recordsOut} out: ${name.slice(0, 140)}`,
  );
}
