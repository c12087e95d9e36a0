import type { Logger } from 'pino';
import type { ConversionRules } from '../domain/conversion-match.js';
import { replayRange } from '../domain/conversion-replay.js';
import { err, type Failure, type Result } from '../domain/result.js';
import {
  cancelReplayJob,
  findReplayJob,
  type ReplayJobConfig,
  submitConversionReplay,
} from '../flink/conversion-replay.js';
import { type ReplayLogConfig, readReplayLog } from '../flink/conversion-replay-log.js';
import { hasEnded, JobManagerClient } from '../flink/job-manager-client.js';
import { startBusinessClock } from '../infra/clock.js';
import type { DatabasePool } from '../infra/postgres.js';
import {
  type BegunReplay,
  beginConversionReplay,
  type ReplayActor,
} from '../operations/begin-conversion-replay.js';
import { completeConversionReplay, failConversionReplay } from '../operations/finish-conversion-replay.js';
import { type ConversionReplayRow, readConversionReplay } from '../operations/read-conversion-replays.js';

export interface ReplayDeps {
  readonly config: ReplayJobConfig & ReplayLogConfig;
  readonly log: Logger;
  readonly pool: DatabasePool;
}

export interface ReplayWish extends ReplayActor {
  readonly rules: ConversionRules;
  /** Korean days, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

const NO_SLOT: Failure = {
  code: 'flink_full',
  message: 'Flink has no free task slot for a replay.',
  nextStep: 'Wait until another job has ended, or give Flink more slots.',
};

const logSays = (error: unknown): Failure => ({
  code: 'event_log_down',
  message: `The event log could not be read: ${error instanceof Error ? error.message : String(error)}`,
  nextStep: 'Nothing was changed. Start the replay again when Kafka is back.',
});

const flinkSays = (error: unknown): Failure => ({
  code: 'flink_refused',
  message: `Flink did not take the replay: ${error instanceof Error ? error.message : String(error)}`,
  nextStep: 'Nothing was changed. Look at `npm run flink -- status`, and start it again.',
});

/**
 * Notes the replay and hands it to Flink. Business time is read before the log's end is: what the range holds has been
 * appended then. Failures: those of `replayRange` and `beginConversionReplay`, `event_log_down`, `flink_full`,
 * `flink_refused`.
 */
export async function startReplay(deps: ReplayDeps, wish: ReplayWish): Promise<Result<BegunReplay>> {
  const { config, log, pool } = deps;
  const kept = await readReplayLog(config, log, await businessNow(pool)).catch(logSays);
  if ('code' in kept) return err(kept);
  const range = replayRange(wish, kept, wish.rules.clickWindowMs);
  if (!range.ok) return range;
  const { freeSlots } = await new JobManagerClient(config.FLINK_REST_URL).capacity();
  if (freeSlots === 0) return err(NO_SLOT);
  const { rules, actorId, actorRole, via } = wish;
  const begun = await beginConversionReplay(pool, {
    ...range.value,
    rules,
    actorId,
    actorRole,
    via,
    logFromMs: Math.max(kept.linesFromMs, kept.clicksFromMs),
    logEnds: kept.ends,
    askedRange: `${wish.from ?? ''}..${wish.to ?? ''}`,
  });
  if (!begun.ok || !begun.value.isNew) return begun;
  const { id, fromMs, toMs } = begun.value.replay;
  try {
    await submitConversionReplay(config, { id, rules, fromMs, toMs, logEnds: kept.ends });
  } catch (error) {
    // The gateway may have started it all the same. If so, and it goes on, a trigger keeps it from writing.
    await cancelReplayJob(config, id).catch((notCancelled: unknown) => {
      log.warn({ err: notCancelled, replay: id }, 'a replay that was given up may still have a job');
    });
    const failure = flinkSays(error);
    await failConversionReplay(pool, id, failure.message);
    return err(failure);
  }
  return begun;
}

async function businessNow(pool: DatabasePool): Promise<number> {
  const clock = await startBusinessClock(pool);
  clock.stop();
  return clock.now();
}

export interface ReplaySight {
  readonly replay: ConversionReplayRow;
  /** How far a running one is, in words. */
  readonly progress: string | undefined;
}

/** Handing a replay to Flink takes seconds; without a job after this long, whoever began it is gone. */
const SUBMITTED_WITHIN_MS = 180_000;

/** What has become of it: an end of its job that nobody saw is noted now. */
export async function lookAtReplay(deps: ReplayDeps, replay: ConversionReplayRow): Promise<ReplaySight> {
  if (replay.state !== 'running') return { replay, progress: undefined };
  const job = await findReplayJob(deps.config, replay.id);
  if (job === undefined) {
    if (Date.now() - replay.startedAt.getTime() < SUBMITTED_WITHIN_MS)
      return { replay, progress: 'being handed to Flink' };
    return ended(
      deps,
      replay,
      'Flink knows no job of it: Flink was restarted, or whoever started it went away',
    );
  }
  if (!hasEnded(job)) {
    const all = recordsIn(replay);
    return { replay, progress: `${job.state}, ${job.recordsRead} records read, the log ends at ${all}` };
  }
  if (job.state === 'FINISHED') {
    const done = await completeConversionReplay(deps.pool, replay.id);
    return { replay: done ?? replay, progress: undefined };
  }
  return ended(deps, replay, `its job is ${job.state}: ${job.failure ?? 'no reason told'}`);
}

async function ended(deps: ReplayDeps, replay: ConversionReplayRow, reason: string): Promise<ReplaySight> {
  const failed = await failConversionReplay(deps.pool, replay.id, reason);
  return {
    replay: failed ?? (await readConversionReplay(deps.pool, replay.id)) ?? replay,
    progress: undefined,
  };
}

const recordsIn = ({ logEnds }: ConversionReplayRow): number =>
  Object.values(logEnds)
    .flatMap((partitions) => Object.values(partitions))
    .reduce((sum, offset) => sum + offset, 0);
