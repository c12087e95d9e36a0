import type { ConversionRules } from '../domain/conversion-match.js';
import type { ReplayRange } from '../domain/conversion-replay.js';
import type { Config } from '../infra/config.js';
import type { LogEnds, ReplayedTable } from './conversion-replay-log.js';
import { SqlGatewayClient } from './gateway-client.js';
import { JobManagerClient, type JobState } from './job-manager-client.js';
import { readStatement, render, type Variables } from './render-statement.js';
import {
  COMMON_SETTINGS,
  connectionVariables,
  conversionRuleVariables,
  type FlinkConfig,
  STATEMENTS,
} from './statements.js';

export type ReplayJobConfig = FlinkConfig & Pick<Config, 'FLINK_REST_URL' | 'FLINK_SQL_GATEWAY_URL'>;

/** What a job of a replay is told. */
export interface ConversionReplayTask extends ReplayRange {
  readonly id: number;
  readonly rules: ConversionRules;
  readonly logEnds: LogEnds;
}

export interface ReplayJob {
  readonly id: string;
  readonly state: JobState;
  /** Records that it has read, of both topics. */
  readonly recordsRead: number;
  readonly failure: string | undefined;
}

const MATCH = 'conversion-match-24h';
const REPLAY = 'conversion-replay';
const SOURCES: readonly ReplayedTable[] = ['ad_clicks', 'conversion_events'];
const SINKS = ['conversion_replay_row', 'conversion_replay_reversal'];

/** Beside those of the statement. It may fail for good, unlike a statement that has to run for ever. */
const REPLAY_SETTINGS: Readonly<Record<string, string>> = {
  'parallelism.default': '1',
  'restart-strategy.fixed-delay.attempts': '5',
  'restart-strategy.fixed-delay.delay': '5 s',
  'execution.checkpointing.interval': '30 s',
  'execution.checkpointing.externalized-checkpoint-retention': 'DELETE_ON_CANCELLATION',
};

const jobNameOf = (config: Pick<Config, 'TOPIC_PREFIX'>, id: number) =>
  `${config.TOPIC_PREFIX}${REPLAY}-${id}`;

/** Starts the job and returns its id; it ends by itself at the end of the log. Throws with the planner's words. */
export async function submitConversionReplay(
  config: ReplayJobConfig,
  task: ConversionReplayTask,
): Promise<string> {
  const spec = STATEMENTS.find((statement) => statement.name === MATCH);
  if (spec === undefined) throw new Error(`${MATCH} is not deployed any more`);
  const variables = { ...spec.rules, ...connectionVariables(config, REPLAY), ...variablesOf(task) };
  const settings = {
    ...COMMON_SETTINGS,
    ...spec.settings,
    ...REPLAY_SETTINGS,
    'pipeline.name': jobNameOf(config, task.id),
  };
  const gateway = new SqlGatewayClient(config.FLINK_SQL_GATEWAY_URL);
  return gateway.withSession(settings, async (session) => {
    let jobId: string | undefined;
    for (const part of textOf(task.logEnds))
      jobId = (await session.execute(render(part, variables))).jobId ?? jobId;
    if (jobId === undefined) throw new Error(`${REPLAY}: the statement started no job`);
    return jobId;
  });
}

/** The statement's sources, bounded, and its views; then the sinks of the replay. */
function textOf(ends: LogEnds): readonly string[] {
  const match = readStatement(MATCH, SOURCES);
  const replay = readStatement(REPLAY, SINKS);
  const views = match.parts.filter((part) => !part.includes('EXECUTE STATEMENT SET'));
  const bounds = SOURCES.map((table) => boundOf(table, ends[table]));
  return [...match.tables, ...bounds, ...views, ...replay.tables, ...replay.parts];
}

function boundOf(table: ReplayedTable, ends: Readonly<Record<string, number>>): string {
  const offsets = Object.entries(ends).map(
    ([partition, offset]) => `partition:${partition},offset:${offset}`,
  );
  return `ALTER TABLE ${table} SET ('scan.bounded.mode' = 'specific-offsets',
    'scan.bounded.specific-offsets' = '${offsets.join(';')}')`;
}

const variablesOf = ({ id, rules, fromMs, toMs }: ConversionReplayTask): Variables => ({
  ...conversionRuleVariables(rules),
  REPLAY_ID: String(id),
  REPLAY_FROM_MS: String(fromMs),
  REPLAY_TO_MS: String(toMs),
});

/** The newest job of this replay; undefined: Flink knows none (none was started, or it has forgotten it). */
export async function findReplayJob(config: ReplayJobConfig, id: number): Promise<ReplayJob | undefined> {
  const jobManager = new JobManagerClient(config.FLINK_REST_URL);
  const jobs = (await jobManager.jobs()).filter((job) => job.name === jobNameOf(config, id));
  const [newest] = [...jobs].sort((a, b) => b.startedAtMs - a.startedAtMs);
  if (newest === undefined) return undefined;
  const failure = newest.state === 'FAILED' ? await jobManager.lastFailure(newest.id) : undefined;
  return {
    id: newest.id,
    state: newest.state,
    failure,
    recordsRead: await jobManager.recordsRead(newest.id),
  };
}

/** Ends the job, if there is one. */
export async function cancelReplayJob(config: ReplayJobConfig, id: number): Promise<void> {
  const job = await findReplayJob(config, id);
  if (job !== undefined) await new JobManagerClient(config.FLINK_REST_URL).cancel(job.id);
}
