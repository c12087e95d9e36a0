import type { ConversionRules } from '../domain/conversion-match.js';
import type { ReplayRange } from '../domain/conversion-replay.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { auditInTransaction } from './audit-in-transaction.js';
import {
  type ConversionReplayRow,
  type ReplayLogEnds,
  readConversionReplay,
  readRunningConversionReplay,
} from './read-conversion-replays.js';

export interface ReplayActor {
  readonly actorId: string;
  readonly actorRole: string;
  readonly via: 'console' | 'cli';
}

export interface AskedReplay extends ReplayRange, ReplayActor {
  readonly rules: ConversionRules;
  readonly logFromMs: number;
  readonly logEnds: ReplayLogEnds;
  /** The days as they were asked for, `from..to`. */
  readonly askedRange: string;
}

export interface BegunReplay {
  readonly replay: ConversionReplayRow;
  /** False: the same question is being answered, or was. */
  readonly isNew: boolean;
}

const oneAtATime = ({ id }: ConversionReplayRow): Failure => ({
  code: 'wrong_status',
  message: `Replay ${id} is running: one at a time.`,
  nextStep: `Wait for its end, or cancel it (replay cancel ${id}).`,
});

/**
 * Notes a replay as running. The same rules over the same range, or over a log that ended at the same records, are the
 * same question: its replay is given back, unless it failed. Failures: `wrong_status` (another one is running).
 */
export async function beginConversionReplay(
  pool: DatabasePool,
  asked: AskedReplay,
): Promise<Result<BegunReplay>> {
  return withRetriedTransaction(pool, async (client) => {
    const known = await findSameReplay(client, asked);
    if (known !== null) return ok({ replay: known, isNew: false });
    const running = await readRunningConversionReplay(client);
    if (running !== null) return err(oneAtATime(running));
    await client.query(FORGET_FAILED);
    const id = await insertReplay(client, asked);
    const { actorId, actorRole, via, rules, fromMs, toMs } = asked;
    await auditInTransaction(client, {
      actorId,
      actorRole,
      via,
      action: 'conversion_replay.started',
      objectType: 'conversion_replay',
      objectId: String(id),
      detail: { rules, fromMs, toMs },
    });
    const replay = await readConversionReplay(client, id);
    if (replay === null) throw new Error(`replay ${id} was not written`);
    return ok({ replay, isNew: true });
  });
}

/** A job that was being cancelled may have written a last time while its rows were removed. */
const FORGET_FAILED = `DELETE FROM conversion_replay_row
  WHERE replay_id IN (SELECT id FROM conversion_replay WHERE state = 'failed')`;

async function findSameReplay(db: Queryable, asked: AskedReplay): Promise<ConversionReplayRow | null> {
  const { rows } = await db.query<{ id: number }>(
    `SELECT id FROM conversion_replay WHERE state <> 'failed' AND rules = $1
       AND ((from_ms = $2 AND to_ms = $3) OR (asked_range = $4 AND log_ends = $5))
     ORDER BY id DESC LIMIT 1`,
    [JSON.stringify(asked.rules), asked.fromMs, asked.toMs, asked.askedRange, JSON.stringify(asked.logEnds)],
  );
  const [row] = rows;
  return row === undefined ? null : readConversionReplay(db, row.id);
}

async function insertReplay(db: Queryable, asked: AskedReplay): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `INSERT INTO conversion_replay (rules_version, rules, from_ms, to_ms, log_from_ms, log_ends, asked_range, asked_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
    [
      asked.rules.version,
      JSON.stringify(asked.rules),
      asked.fromMs,
      asked.toMs,
      asked.logFromMs,
      JSON.stringify(asked.logEnds),
      asked.askedRange,
      asked.actorId,
    ],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the replay was not written');
  return row.id;
}
