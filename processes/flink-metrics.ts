import type { StatementStatus } from '../flink/deployment.js';
import { rise, type StatementFigures } from '../flink/statement-figures.js';
import type { Metrics } from '../infra/metrics.js';

/**
 * What `/metrics` tells of the statements. What is not known at the moment is no longer shown: an old figure would look
 * like a good one.
 */
export function statementMetrics(metrics: Metrics): (statement: string, status: StatementStatus) => void {
  const late = metrics.counter(
    'ads_flink_late_records_total',
    'Rows that came behind their watermark and were left out',
    ['statement'],
  );
  const setAside = metrics.counter(
    'ads_flink_set_aside_records_total',
    'Records that the match set aside: dead letters',
    ['statement'],
  );
  const before = new Map<string, StatementFigures>();
  const gauge = (name: string, help: string, read: (status: StatementStatus) => number | undefined) => {
    const one = metrics.gauge(name, help, ['statement']);
    return (statement: string, status: StatementStatus) => {
      const value = read(status);
      if (value === undefined) one.remove({ statement });
      else one.set({ statement }, value);
    };
  };
  const all = [
    gauge('ads_flink_statement_running', '1 while the statement runs', ({ running }) => (running ? 1 : 0)),
    gauge('ads_flink_statement_desired', '1 unless a person stopped the statement', ({ desired }) =>
      desired === 'running' ? 1 : 0,
    ),
    gauge('ads_flink_checkpoint_age_ms', 'Age of the newest complete checkpoint', (s) => s.checkpointAgeMs),
    gauge('ads_flink_checkpoint_bytes', 'Size of the newest complete checkpoint', (s) => s.checkpointBytes),
    gauge(
      'ads_flink_failed_checkpoints',
      'Checkpoints of the running job that failed',
      (s) => s.failedCheckpoints,
    ),
    gauge('ads_flink_restarts', 'Restarts of the running job by Flink itself', (s) => s.restarts),
    gauge(
      'ads_flink_refused_states',
      'States that no job could start from, since this process began',
      (s) => s.refusedStates,
    ),
    gauge(
      'ads_flink_lag_records',
      'Records in the log that the statement has not read',
      (s) => s.figures?.lagRecords,
    ),
    gauge(
      'ads_flink_event_time_lag_ms',
      'Real time less the event time up to which all is computed',
      ({ figures }) => (figures?.watermarkMs === undefined ? undefined : Date.now() - figures.watermarkMs),
    ),
    gauge(
      'ads_flink_late_records',
      'Rows behind their watermark that the running job left out',
      (s) => s.figures?.lateRecords,
    ),
    gauge('ads_flink_refused_rows', 'Rows that PostgreSQL refuses', (s) => s.figures?.refusedRows),
    gauge('ads_flink_waiting_rows', 'Rows that wait for PostgreSQL', (s) => s.figures?.waitingRows),
    gauge('ads_flink_waiting_keys', 'Keys that wait for Redis', (s) => s.figures?.waitingKeys),
  ];
  return (statement, status) => {
    for (const show of all) show(statement, status);
    if (status.figures === undefined) return;
    const { figures } = status;
    late.inc({ statement }, rise(figures.lateRecords, before.get(statement)?.lateRecords));
    setAside.inc({ statement }, rise(figures.setAsideRecords, before.get(statement)?.setAsideRecords));
    before.set(statement, figures);
  };
}
