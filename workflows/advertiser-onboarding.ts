import { allHandlersFinished, condition } from '@temporalio/workflow';
import type {
  AdvertiserOnboardingInput,
  AdvertiserOnboardingState,
} from '../contracts/temporal/advertiser-onboarding.js';
import { REVIEW_REMINDER_HOURS, TOP_UP_PATIENCE_DAYS } from '../domain/advertiser-onboarding.js';
import { registry, steps } from './advertiser-onboarding-activities.js';
import { registerOnboardingHandlers } from './advertiser-onboarding-handlers.js';
import { OnboardingRecord } from './advertiser-onboarding-record.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * One company from its submitted application to its first money. Id `advertiser-onboarding:<advertiserId>`. The
 * decision comes as an Update (or as the signals `approve` and `reject`); what it changes is one transaction of its
 * activity, so that an approved company has its account at once.
 */
export async function advertiserOnboarding(
  input: AdvertiserOnboardingInput,
): Promise<AdvertiserOnboardingState> {
  const record = new OnboardingRecord(input.advertiserId);
  registerOnboardingHandlers(record);
  record.describe();
  while (record.facts.phase !== 'completed' && record.facts.phase !== 'closed') {
    switch (record.facts.phase) {
      case 'checking':
        await check(record);
        break;
      case 'in_review':
        await review(record);
        break;
      case 'rejected':
        await waitForResubmission(record);
        break;
      case 'awaiting_top_up':
        await waitForTopUp(record);
        break;
    }
  }
  await condition(allHandlersFinished);
  return record.state();
}

async function check(record: OnboardingRecord): Promise<void> {
  const { outcome, version, findings } = await registry.checkApplication({
    advertiserId: record.advertiserId,
  });
  record.facts.version = version;
  record.facts.findings = findings;
  record.facts.reviewReminders = 0;
  switch (outcome) {
    case 'review':
      return record.enter('in_review');
    case 'rejected':
      record.facts.decidedBy = 'system';
      record.facts.decidedVia = 'system';
      record.facts.rejectionCodes = findings;
      return record.enter('rejected');
    case 'approved':
      return record.enter('awaiting_top_up');
    case 'not_submitted':
      return record.enter('closed');
  }
}

/** Waits for a decision; reminds the reviewers after the deadline. An application is never given up for their silence. */
async function review(record: OnboardingRecord): Promise<void> {
  const { advertiserId, facts } = record;
  const decided = () => facts.phase !== 'in_review';
  record.clockMoved = false;
  const plan = await steps.planApplicationReview({ advertiserId });
  let remindAt =
    Date.now() + plan.overdueInMs + (facts.reviewReminders > 0 ? REVIEW_REMINDER_HOURS * HOUR_MS : 0);
  while (!decided() && !record.clockMoved) {
    const waitMs = Math.max(1, remindAt - Date.now());
    if (await condition(() => decided() || record.clockMoved, waitMs)) return;
    facts.reviewReminders += 1;
    remindAt = Date.now() + REVIEW_REMINDER_HOURS * HOUR_MS;
    const { version, reviewReminders: reminder } = facts;
    await steps.escalateApplicationReview({ advertiserId, version, reminder });
  }
}

async function waitForResubmission(record: OnboardingRecord): Promise<void> {
  const { advertiserId, facts } = record;
  const submitted = () => record.submittedVersion > facts.version;
  record.clockMoved = false;
  const { closesInMs } = await steps.planResubmission({ advertiserId });
  if (closesInMs > 0) await condition(() => submitted() || record.clockMoved, closesInMs);
  if (submitted()) return record.enter('checking');
  if (record.clockMoved) return;
  const { closed } = await steps.closeApplication({ advertiserId });
  record.enter(closed ? 'closed' : 'checking');
}

/** A lost signal does no harm: the wallet is looked at every day. */
async function waitForTopUp(record: OnboardingRecord): Promise<void> {
  const { advertiserId } = record;
  const patientUntil = Date.now() + TOP_UP_PATIENCE_DAYS * DAY_MS;
  while (Date.now() < patientUntil) {
    record.toppedUp = false;
    if (await steps.hasToppedUp({ advertiserId })) {
      await steps.inviteToFirstCampaign({ advertiserId });
      break;
    }
    await condition(() => record.toppedUp, DAY_MS);
  }
  record.enter('completed');
}
