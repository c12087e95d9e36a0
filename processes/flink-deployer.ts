import { startDeployer } from '../flink/deployer.js';
import { statementMetrics } from './flink-metrics.js';
import type { ProcessContext, RunningProcess } from './process.js';

/** Keeps the Flink statements running. Run one of these; a second one does no harm. */
export async function startFlinkDeployer({ config, log, metrics }: ProcessContext): Promise<RunningProcess> {
  const observed = statementMetrics(metrics);
  const submissions = metrics.counter(
    'ads_flink_submissions_total',
    'Jobs started, by where their state came from',
    ['statement', 'from'],
  );
  const deployer = startDeployer(config, log, {
    observed,
    submitted: (statement, from) => submissions.inc({ statement, from }),
  });
  return {
    name: 'flink-deployer',
    ready: async () => {
      const status = deployer.status();
      // What a person stopped is as it should be.
      const ok = Object.values(status).every(({ running, desired }) => running || desired === 'stopped');
      return { ok, detail: { ...status } };
    },
    stop: () => deployer.stop(),
  };
}
