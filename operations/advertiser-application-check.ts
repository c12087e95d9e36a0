import type { ApplicationCheck } from '../contracts/temporal/advertiser-onboarding.js';
import {
  automaticRejection,
  isRejectionCode,
  type RejectionCode,
  type RejectionReason,
  registryFindings,
} from '../domain/advertiser-onboarding.js';
import { isBusinessNumber } from '../domain/business-number.js';
import { err, ok, type Result } from '../domain/result.js';
import type { BusinessRegistry } from '../infra/business-registry.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import {
  type Application,
  type ApplicationStatus,
  noSuchApplication,
  readApplication,
} from './advertiser-application-read.js';
import { rejectApplication } from './advertiser-application-review.js';
import { SYSTEM_ACTOR } from './campaign-audit.js';
import { derivedId } from './campaign-ids.js';
import { notify } from './notify.js';

/**
 * The automatic check of the newest submission: checksum, then the registry's word, which is kept as it came. A
 * company that is closed or unknown goes back to the seller at once; everything else goes to a person. Repeated it
 * finds its own result. Throws while the registry does not answer.
 */
export async function checkApplication(
  pool: DatabasePool,
  registry: BusinessRegistry,
  advertiserId: string,
): Promise<Result<ApplicationCheck>> {
  const application = await readApplication(pool, advertiserId);
  if (application === null) return err(noSuchApplication);
  const { version } = application;
  const known = await readFindings(pool, advertiserId, version);
  if (application.status !== 'submitted') return ok(outcomeOf(application, known ?? []));
  const findings = known ?? (await askRegistry(pool, registry, application));
  return withRetriedTransaction(pool, async (client) => {
    const locked = await readApplication(client, advertiserId, { lock: true });
    if (locked === null) return err(noSuchApplication);
    if (locked.status !== 'submitted' || locked.version !== version) return ok(outcomeOf(locked, findings));
    const reasons = automaticRejection(findings);
    if (reasons.length > 0) await rejectByRule(client, locked, reasons);
    else await enterQueue(client, locked);
    return ok({ outcome: reasons.length > 0 ? 'rejected' : 'review', version, findings });
  });
}

function outcomeOf(application: Application, findings: readonly string[]): ApplicationCheck {
  const { status, version } = application;
  return { outcome: OUTCOMES[status] ?? 'not_submitted', version, findings };
}

const OUTCOMES: Readonly<Partial<Record<ApplicationStatus, ApplicationCheck['outcome']>>> = {
  in_review: 'review',
  rejected: 'rejected',
  approved: 'approved',
};

async function readFindings(
  db: Queryable,
  advertiserId: string,
  version: number,
): Promise<RejectionCode[] | null> {
  const { rows } = await db.query<{ findings: string[] }>(
    'SELECT findings FROM advertiser_registry_check WHERE advertiser_id = $1 AND version = $2',
    [advertiserId, version],
  );
  return rows[0]?.findings.filter(isRejectionCode) ?? null;
}

/** What the registry says about the submitted particulars, stored with the time before anything follows from it. */
async function askRegistry(
  pool: DatabasePool,
  registry: BusinessRegistry,
  application: Application,
): Promise<RejectionCode[]> {
  const { advertiserId, version, businessNumber, representative, openingDate, companyName } = application;
  const fits = isBusinessNumber(businessNumber);
  const status = fits ? answerOf(await registry.readStatus([businessNumber]))[0] : undefined;
  const known = status !== undefined && status.state !== 'unregistered';
  const validation = known
    ? answerOf(
        await registry.validate({
          businessNumber,
          representative,
          startDate: openingDate,
          name: companyName,
        }),
      )
    : null;
  const verdict = status === undefined ? null : { state: status.state, valid: validation?.valid === true };
  const findings = registryFindings(fits, verdict);
  await pool.query(
    `INSERT INTO advertiser_registry_check (advertiser_id, version, checked_at, status_reply, validate_reply, findings)
     VALUES ($1, $2, business_now(), $3, $4, $5) ON CONFLICT (advertiser_id, version) DO NOTHING`,
    [
      advertiserId,
      version,
      status === undefined ? null : JSON.stringify(status.raw),
      validation === null ? null : JSON.stringify(validation.raw),
      findings,
    ],
  );
  return (await readFindings(pool, advertiserId, version)) ?? findings;
}

/** A refusal of the question itself is a fault between us and the registry, never the seller's: asked again. */
function answerOf<T>(answer: Result<T>): T {
  if (answer.ok) return answer.value;
  throw new Error(`the business registry refused the question: ${answer.error.code} ${answer.error.message}`);
}

async function rejectByRule(
  client: Queryable,
  application: Application,
  reasons: readonly RejectionReason[],
): Promise<void> {
  const { advertiserId, version } = application;
  await rejectApplication(client, application, {
    ...SYSTEM_ACTOR,
    reviewId: derivedId('rev', `${advertiserId}|${version}|registry`),
    reviewVia: 'system',
    reasons,
  });
}

async function enterQueue(client: Queryable, application: Application): Promise<void> {
  const { advertiserId, version, companyName } = application;
  await client.query(
    `UPDATE advertiser_application SET status = 'in_review', updated_at = business_now() WHERE advertiser_id = $1`,
    [advertiserId],
  );
  await notify(client, {
    dedupeKey: `advertiser-review-waiting:${advertiserId}:${version}`,
    template: 'advertiser_review_waiting',
    to: { role: 'admin' },
    variables: { companyName },
  });
}
