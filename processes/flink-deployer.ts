import { startDeployer } from '../flink/deployer.js';
import type { ProcessContext, RunningProcess } from './process.js';

/** Keeps the Flink statements running. Run one of these; a second one does no harm. */
export async function startFlinkDeployer({ config, log, metrics }: ProcessContext): Promise<RunningProcess> {
  const running = metrics.gauge('ads_flink_statement_running', '1 while the statement runs', ['statement']);
  const age = metrics.gauge('ads_flink_checkpoint_age_ms', 'Age of the newest complete checkpoint', [
    'statement',
  ]);
  const size = metrics.gauge('ads_flink_checkpoint_bytes', 'Size of the newest complete checkpoint', [
    'statement',
  ]);
  const late = metrics.gauge(
    'ads_flink_late_records',
    'Rows behind their watermark that the running job left out',
    ['statement'],
  );
  const refused = metrics.gauge('ads_flink_refused_rows', 'Rows that PostgreSQL refuses', ['statement']);
  const waiting = metrics.gauge('ads_flink_waiting_rows', 'Rows that wait for PostgreSQL', ['statement']);
  const submissions = metrics.counter(
    'ads_flink_submissions_total',
    'Jobs started, by where their state came from',
    ['statement', 'from'],
  );
  const deployer = startDeployer(config, log, {
    observed: (statement, status) => {
      running.set({ statement }, status.running ? 1 : 0);
      if (status.checkpointAgeMs === undefined) age.remove({ statement });
      else age.set({ statement }, status.checkpointAgeMs);
      if (status.checkpointBytes !== undefined) size.set({ statement }, status.checkpointBytes);
      if (status.figures === undefined) return;
      late.set({ statement }, status.figures.lateRecords);
      refused.set({ statement }, status.figures.refusedRows);
      waiting.set({ statement }, status.figures.waitingRows);
    },
    submitted: (statement, from) => submissions.inc({ statement, from }),
  });
  return {
    name: 'flink-deployer',
    ready: async () => {
      const status = deployer.status();
      return { ok: Object.values(status).every((statement) => statement.running), detail: { ...status } };
    },
    stop: () => deployer.stop(),
  };
}
