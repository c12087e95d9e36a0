import type { ConversionRules } from '../domain/conversion-match.js';
import type { AppliedReplay, ConversionReplayState, ReplayRange } from '../domain/conversion-replay.js';
import type { Failure } from '../domain/result.js';
import type { Queryable } from '../infra/postgres.js';

/** Topic reader to partition to the offset at which the replay ends. */
export type ReplayLogEnds = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface ConversionReplayRow extends ReplayRange {
  readonly id: number;
  readonly rules: ConversionRules;
  /** Where the kept log began; 0: it was whole. */
  readonly logFromMs: number;
  readonly logEnds: ReplayLogEnds;
  readonly askedRange: string;
  readonly state: ConversionReplayState;
  /** Why it failed. */
  readonly detail: string | null;
  readonly askedBy: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly conversions: number | null;
  readonly direct: number | null;
  readonly reversed: number | null;
  readonly valueKrw: number | null;
  readonly appliedNo: number | null;
  readonly appliedAt: Date | null;
  readonly appliedBy: string | null;
}

const COLUMNS = `id, rules, from_ms AS "fromMs", to_ms AS "toMs", log_from_ms AS "logFromMs", log_ends AS "logEnds",
  asked_range AS "askedRange", state, detail, asked_by AS "askedBy", started_at AS "startedAt",
  finished_at AS "finishedAt", conversions, direct, reversed, value_krw AS "valueKrw", applied_no AS "appliedNo",
  applied_at AS "appliedAt", applied_by AS "appliedBy"`;

export async function readConversionReplay(
  db: Queryable,
  id: number,
  { lock = false }: { readonly lock?: boolean } = {},
): Promise<ConversionReplayRow | null> {
  const { rows } = await db.query<ConversionReplayRow>(
    `SELECT ${COLUMNS} FROM conversion_replay WHERE id = $1 ${lock ? 'FOR UPDATE' : ''}`,
    [id],
  );
  return rows[0] ?? null;
}

/** The newest first. */
export async function listConversionReplays(db: Queryable, limit: number): Promise<ConversionReplayRow[]> {
  const { rows } = await db.query<ConversionReplayRow>(
    `SELECT ${COLUMNS} FROM conversion_replay ORDER BY id DESC LIMIT $1`,
    [limit],
  );
  return rows;
}

/** The one that runs; there is at most one. */
export async function readRunningConversionReplay(db: Queryable): Promise<ConversionReplayRow | null> {
  const { rows } = await db.query<ConversionReplayRow>(
    `SELECT ${COLUMNS} FROM conversion_replay WHERE state = 'running'`,
  );
  return rows[0] ?? null;
}

export async function readAppliedReplays(db: Queryable): Promise<AppliedReplay[]> {
  const { rows } = await db.query<AppliedReplay>(
    `SELECT id AS "replayId", from_ms AS "fromMs", to_ms AS "toMs", applied_no AS "appliedNo"
     FROM conversion_replay WHERE state = 'applied'`,
  );
  return rows;
}

export const NO_SUCH_REPLAY: Failure = {
  code: 'not_found',
  message: 'There is no such replay.',
  nextStep: 'See `replay list` for those there are.',
};
