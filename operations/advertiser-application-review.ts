import type { OnboardingReviewCommand } from '../contracts/temporal/advertiser-onboarding.js';
import {
  CLAIM_MINUTES,
  describeRejection,
  RESUBMISSION_DAYS,
  type RejectionReason,
} from '../domain/advertiser-onboarding.js';
import { reviewDeadline } from '../domain/campaign-review-deadline.js';
import { err, type Failure, ok, type Result } from '../domain/result.js';
import { type DatabasePool, type Queryable, withRetriedTransaction } from '../infra/postgres.js';
import { type Application, noSuchApplication, readApplication } from './advertiser-application-read.js';
import { auditInTransaction } from './audit-in-transaction.js';
import { derivedId } from './campaign-ids.js';
import { businessNow } from './campaign-read.js';
import { notify } from './notify.js';

export interface ApplicationDecision extends OnboardingReviewCommand {
  readonly advertiserId: string;
  readonly via: 'update' | 'signal';
}

interface Verdict {
  readonly reviewId: string;
  readonly actorId: string;
  readonly actorRole: string;
  readonly via: 'console' | 'signal' | 'system';
  readonly reviewVia: 'update' | 'signal' | 'system';
}

/**
 * Records who decided what, once per command, and carries it out: an approval opens the account with an empty
 * wallet, a rejection opens the application for correction. A refusal (this person may not decide, nothing waits for
 * a decision) is a sentence, not an error.
 */
export async function recordApplicationDecision(
  pool: DatabasePool,
  decision: ApplicationDecision,
): Promise<Result<{ recorded: true } | { recorded: false; why: string }>> {
  const { advertiserId, reviewerId, verdict, reasons } = decision;
  return withRetriedTransaction(pool, async (client) => {
    const application = await readApplication(client, advertiserId, { lock: true });
    if (application === null) return err(noSuchApplication);
    const reviewId = derivedId('rev', `${advertiserId}|${decision.commandId}`);
    const known = await client.query('SELECT 1 FROM advertiser_review WHERE id = $1', [reviewId]);
    if (known.rows.length > 0) return ok({ recorded: true });
    const why =
      whyNotThisVersion(application, decision) ?? (await whyNotDecide(client, application, reviewerId));
    if (why !== null) return ok({ recorded: false, why });
    const by: Verdict = {
      reviewId,
      actorId: reviewerId,
      actorRole: 'admin',
      via: decision.via === 'signal' ? 'signal' : 'console',
      reviewVia: decision.via,
    };
    if (verdict === 'approve') await approveApplication(client, application, by);
    else await rejectApplication(client, application, { ...by, reasons });
    return ok({ recorded: true });
  });
}

/** Between reading and deciding, another reviewer may have sent it back and the seller corrected it. */
function whyNotThisVersion({ version }: Application, decision: ApplicationDecision): string | null {
  if (decision.version === undefined || decision.version === version) return null;
  return `version ${version} of the application is in review: read that one first`;
}

async function whyNotDecide(
  client: Queryable,
  application: Application,
  reviewerId: string,
): Promise<string | null> {
  const { rows } = await client.query<{
    role: string;
    status: string;
    email: string;
    advertiserId: string | null;
  }>('SELECT role, status, email, advertiser_id AS "advertiserId" FROM user_account WHERE id = $1', [
    reviewerId,
  ]);
  const reviewer = rows[0];
  if (reviewer === undefined) return 'there is no such reviewer';
  if (reviewer.status !== 'active') return 'the reviewer’s account is disabled';
  if (reviewer.role !== 'admin') return 'only an admin may decide on applications';
  if (reviewer.advertiserId === application.advertiserId || reviewer.email === application.contactEmail)
    return 'nobody decides on an application of their own';
  if (application.status !== 'in_review') return `the application is ${application.status}, not in review`;
  if (isClaimedByAnother(application, reviewerId)) return 'another reviewer has taken this application';
  return null;
}

/** A claim ends by itself, by real time: a reviewer who went home holds nobody up. */
export function isClaimedByAnother(application: Application, reviewerId: string): boolean {
  const { claimedBy, claimedAt } = application;
  if (claimedBy === null || claimedAt === null || claimedBy === reviewerId) return false;
  return Date.now() - claimedAt < CLAIM_MINUTES * 60_000;
}

/** A reviewer takes an application, or takes it for longer. Errors: `not_found`, `wrong_status`, `already_claimed`. */
export async function claimApplication(
  pool: DatabasePool,
  advertiserId: string,
  reviewerId: string,
): Promise<Result<Application>> {
  return withRetriedTransaction(pool, async (client) => {
    const application = await readApplication(client, advertiserId, { lock: true });
    if (application === null) return err(noSuchApplication);
    if (application.status !== 'in_review') return err(notInReview(application));
    if (isClaimedByAnother(application, reviewerId)) return err(ALREADY_CLAIMED);
    await client.query(
      'UPDATE advertiser_application SET claimed_by = $2, claimed_at = clock_timestamp() WHERE advertiser_id = $1',
      [advertiserId, reviewerId],
    );
    return ok((await readApplication(client, advertiserId)) ?? application);
  });
}

const notInReview = (application: Application): Failure => ({
  code: 'wrong_status',
  message: `The application is ${application.status}, not in review.`,
});
const ALREADY_CLAIMED: Failure = {
  code: 'already_claimed',
  message: 'Another reviewer has taken this application.',
  nextStep: `Choose another one; a claim ends after ${CLAIM_MINUTES} minutes.`,
};

async function writeReview(
  client: Queryable,
  application: Application,
  by: Verdict,
  verdict: 'approve' | 'reject',
  reasons: readonly RejectionReason[],
): Promise<void> {
  const { advertiserId, version } = application;
  await client.query(
    `INSERT INTO advertiser_review (id, advertiser_id, version, verdict, reasons, reviewer_id, via, decided_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, business_now())`,
    [by.reviewId, advertiserId, version, verdict, JSON.stringify(reasons), by.actorId, by.reviewVia],
  );
  await auditInTransaction(client, {
    actorId: by.actorId,
    actorRole: by.actorRole,
    via: by.via,
    action: verdict === 'approve' ? 'advertiser.approved' : 'advertiser.rejected',
    objectType: 'advertiser',
    objectId: advertiserId,
    detail: { reviewId: by.reviewId, version, reasons: reasons.map(({ code, field }) => `${code}:${field}`) },
  });
}

/** Rights follow from the status of the company: its people may use the whole console from here on. */
async function approveApplication(client: Queryable, application: Application, by: Verdict): Promise<void> {
  const { advertiserId, companyName, businessNumber } = application;
  await writeReview(client, application, by, 'approve', []);
  await client.query(
    `UPDATE advertiser_application SET status = 'approved', claimed_by = NULL, claimed_at = NULL,
       updated_at = business_now() WHERE advertiser_id = $1`,
    [advertiserId],
  );
  await client.query(
    `UPDATE advertiser SET status = 'active', name = $2, business_number = $3 WHERE id = $1`,
    [advertiserId, companyName, businessNumber],
  );
  await client.query(
    'INSERT INTO advertiser_balance (advertiser_id) VALUES ($1) ON CONFLICT (advertiser_id) DO NOTHING',
    [advertiserId],
  );
  await notify(client, {
    dedupeKey: `advertiser-approved:${advertiserId}`,
    template: 'advertiser_approved',
    to: { advertiserId },
    variables: { companyName },
  });
}

/** Back to the seller with reasons, for thirty days. In the caller's transaction, with the row locked. */
export async function rejectApplication(
  client: Queryable,
  application: Application,
  by: Verdict & { readonly reasons: readonly RejectionReason[] },
): Promise<void> {
  const { advertiserId, version, companyName } = application;
  await writeReview(client, application, by, 'reject', by.reasons);
  await client.query(
    `UPDATE advertiser_application SET status = 'rejected', claimed_by = NULL, claimed_at = NULL,
       resubmit_until = business_now() + make_interval(days => $2), updated_at = business_now()
     WHERE advertiser_id = $1`,
    [advertiserId, RESUBMISSION_DAYS],
  );
  await notify(client, {
    dedupeKey: `advertiser-rejected:${advertiserId}:${version}`,
    template: 'advertiser_rejected',
    to: { advertiserId },
    variables: {
      companyName,
      reasons: by.reasons.map(describeRejection).join('; '),
      days: String(RESUBMISSION_DAYS),
    },
  });
}

/** By the business clock: until the promise to the seller is broken. */
export async function planApplicationReview(
  pool: DatabasePool,
  advertiserId: string,
): Promise<Result<{ overdueInMs: number }>> {
  const application = await readApplication(pool, advertiserId);
  if (application === null) return err(noSuchApplication);
  const dueAt = reviewDeadline(application.submittedAt ?? application.updatedAt);
  return ok({ overdueInMs: Math.max(0, dueAt - (await businessNow(pool))) });
}

/** A review is overdue: on the record and told to the reviewers, once per reminder; not when it was just decided. */
export async function escalateApplicationReview(
  pool: DatabasePool,
  reminder: { readonly advertiserId: string; readonly version: number; readonly reminder: number },
): Promise<Result<null>> {
  const { advertiserId, version } = reminder;
  return withRetriedTransaction(pool, async (client) => {
    const application = await readApplication(client, advertiserId, { lock: true });
    if (application === null) return err(noSuchApplication);
    if (application.status !== 'in_review' || application.version !== version) return ok(null);
    const isNew = await notify(client, {
      dedupeKey: `advertiser-review-overdue:${advertiserId}:${version}:${reminder.reminder}`,
      template: 'advertiser_review_overdue',
      to: { role: 'admin' },
      variables: { companyName: application.companyName, reminder: String(reminder.reminder) },
    });
    if (!isNew) return ok(null);
    await auditInTransaction(client, {
      actorId: 'system',
      actorRole: 'system',
      via: 'system',
      action: 'advertiser.review_overdue',
      objectType: 'advertiser',
      objectId: advertiserId,
      detail: { version, reminder: reminder.reminder },
    });
    return ok(null);
  });
}

/** By the business clock: until a rejected application may no longer be corrected. */
export async function planResubmission(
  pool: DatabasePool,
  advertiserId: string,
): Promise<Result<{ closesInMs: number }>> {
  const application = await readApplication(pool, advertiserId);
  if (application === null) return err(noSuchApplication);
  const until = application.status === 'rejected' ? application.resubmitUntil : null;
  return ok({ closesInMs: until === null ? 0 : Math.max(0, until - (await businessNow(pool))) });
}

/** Nobody corrected a rejected application in time. One that was submitted at the last moment goes on. */
export async function closeApplication(
  pool: DatabasePool,
  advertiserId: string,
): Promise<Result<{ closed: boolean }>> {
  return withRetriedTransaction(pool, async (client) => {
    const application = await readApplication(client, advertiserId, { lock: true });
    if (application === null) return err(noSuchApplication);
    if (application.status !== 'rejected') return ok({ closed: application.status === 'closed' });
    await client.query(
      `UPDATE advertiser_application SET status = 'closed', updated_at = business_now() WHERE advertiser_id = $1`,
      [advertiserId],
    );
    await client.query(`UPDATE advertiser SET status = 'closed' WHERE id = $1 AND status = 'applied'`, [
      advertiserId,
    ]);
    await auditInTransaction(client, {
      actorId: 'system',
      actorRole: 'system',
      via: 'system',
      action: 'advertiser.application_closed',
      objectType: 'advertiser',
      objectId: advertiserId,
    });
    await notify(client, {
      dedupeKey: `advertiser-application-closed:${advertiserId}`,
      template: 'advertiser_application_closed',
      to: { advertiserId },
      variables: { companyName: application.companyName },
    });
    return ok({ closed: true });
  });
}
