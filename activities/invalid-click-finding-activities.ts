import { ApplicationFailure } from '@temporalio/activity';
import type { Logger } from 'pino';
import { INVALID_DATA } from '../contracts/temporal/campaign-lifecycle.js';
import type { InvalidClickFindingActivities } from '../contracts/temporal/invalid-click-finding.js';
import type { Result } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';
import { decideFinding, expireFinding } from '../operations/decide-invalid-click-finding.js';
import { findBursts, planDailyFinding } from '../operations/find-daily-bursts.js';
import { readFindingProgress } from '../operations/read-invalid-click-findings.js';
import {
  finishFinding,
  reverseFindingChunk,
  tellFindingAdvertisers,
} from '../operations/reverse-invalid-click-finding.js';
import { failingOnInvalidData } from './invalid-data.js';

export interface InvalidClickFindingActivityDeps {
  readonly pool: DatabasePool;
  readonly log: Logger;
}

/** Thin by design: each calls one operation. */
export function createInvalidClickFindingActivities({
  pool,
  log,
}: InvalidClickFindingActivityDeps): InvalidClickFindingActivities {
  return failingOnInvalidData<InvalidClickFindingActivities>({
    readFinding: ({ findingId }) => readFindingProgress(pool, findingId),
    decideFinding: async (decision) => {
      const decided = await decideFinding(pool, decision);
      if (decided.ok) return { accepted: true };
      return { accepted: false, code: decided.error.code, why: decided.error.message };
    },
    expireFinding: ({ findingId }) => expireFinding(pool, findingId),
    reverseFindingChunk: ({ findingId }) => reverseFindingChunk(pool, findingId),
    tellFindingAdvertisers: ({ findingId, after }) => tellFindingAdvertisers(pool, findingId, after),
    finishFinding: async ({ findingId }) => {
      const corrections = await finishFinding(pool, findingId);
      log.info({ findingId, corrections }, 'invalid clicks taken back');
    },
    planDailyFinding: async ({ businessDate }) => orEnd(await planDailyFinding(pool, businessDate)),
    findBursts: async (period) => orEnd(await findBursts(pool, period)),
  });
}

/** What was asked wrongly stays wrong. */
function orEnd<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  const { code, message } = result.error;
  throw ApplicationFailure.create({ message: `${code}: ${message}`, type: INVALID_DATA, nonRetryable: true });
}
