import { isBusinessDate } from '../domain/business-date.js';
import { completeDayAt, type FindingPeriod, periodOfDay } from '../domain/invalid-click-finding.js';
import { err, ok, type Result } from '../domain/result.js';
import type { DatabasePool } from '../infra/postgres.js';
import { makeFinding, readBusinessNowMs } from './make-invalid-click-finding.js';

/** The day that is asked for, or the last one of which every click has arrived. Failure: `invalid_date`. */
export async function planDailyFinding(
  pool: DatabasePool,
  asked: string | undefined,
): Promise<Result<FindingPeriod & { readonly businessDate: string }>> {
  const businessDate = asked ?? completeDayAt(await readBusinessNowMs(pool));
  if (!isBusinessDate(businessDate)) return err({ code: 'invalid_date', message: 'This is no day.' });
  return ok({ businessDate, ...periodOfDay(businessDate) });
}

/**
 * Asks the rule that needs no names for the bursts of a period, once: the same period answers with the finding that it
 * made. `tooMany`: more than one finding holds, so that it is asked for in parts. Failures: those of the criteria.
 */
export async function findBursts(
  pool: DatabasePool,
  { fromMs, toMs }: FindingPeriod,
): Promise<Result<{ readonly findingId: string | null; readonly tooMany: boolean }>> {
  const made = await makeFinding(pool, {
    rule: 'device_burst_late',
    criteria: {
      fromMs,
      toMs,
      deviceHashes: [],
      ipHashes: [],
      campaignId: null,
      clickIds: [],
      clicksPerHour: null,
    },
    note: 'Found by the daily search.',
    actorId: 'system',
    actorRole: 'system',
    via: 'system',
    idempotencyKey: `device_burst_late:${fromMs}:${toMs}`,
  });
  if (made.ok) return ok({ findingId: made.value.findingId, tooMany: false });
  if (made.error.code === 'nothing_found') return ok({ findingId: null, tooMany: false });
  return made.error.code === 'finding_too_large' ? ok({ findingId: null, tooMany: true }) : made;
}
