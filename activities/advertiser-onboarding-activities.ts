import { ApplicationFailure } from '@temporalio/activity';
import type { Logger } from 'pino';
import type { AdvertiserOnboardingActivities } from '../contracts/temporal/advertiser-onboarding.js';
import type { Failure, Result } from '../domain/result.js';
import type { BusinessRegistry } from '../infra/business-registry.js';
import type { DatabasePool } from '../infra/postgres.js';
import { checkApplication } from '../operations/advertiser-application-check.js';
import {
  closeApplication,
  escalateApplicationReview,
  planApplicationReview,
  planResubmission,
  recordApplicationDecision,
} from '../operations/advertiser-application-review.js';
import { hasToppedUp, inviteToFirstCampaign } from '../operations/advertiser-first-top-up.js';
import { failingOnInvalidData } from './invalid-data.js';

export interface AdvertiserOnboardingActivityDeps {
  readonly pool: DatabasePool;
  readonly registry: BusinessRegistry;
  readonly log: Logger;
}

/** Thin by design: each calls one operation and turns its refusal into a failure that no retry repeats. */
export function createAdvertiserOnboardingActivities(
  deps: AdvertiserOnboardingActivityDeps,
): AdvertiserOnboardingActivities {
  const { pool, registry, log } = deps;
  return failingOnInvalidData({
    checkApplication: async ({ advertiserId }) =>
      valueOrFailure(await checkApplication(pool, registry, advertiserId)),
    planApplicationReview: async ({ advertiserId }) =>
      valueOrFailure(await planApplicationReview(pool, advertiserId)),
    escalateApplicationReview: async (reminder) => {
      valueOrFailure(await escalateApplicationReview(pool, reminder));
      log.warn({ ...reminder }, 'the review of an application is overdue');
    },
    recordApplicationDecision: async (decision) =>
      valueOrFailure(await recordApplicationDecision(pool, decision)),
    planResubmission: async ({ advertiserId }) => valueOrFailure(await planResubmission(pool, advertiserId)),
    closeApplication: async ({ advertiserId }) => valueOrFailure(await closeApplication(pool, advertiserId)),
    hasToppedUp: ({ advertiserId }) => hasToppedUp(pool, advertiserId),
    inviteToFirstCampaign: ({ advertiserId }) => inviteToFirstCampaign(pool, advertiserId),
  });
}

function valueOrFailure<T>(result: Result<T, Failure>): T {
  if (result.ok) return result.value;
  throw ApplicationFailure.nonRetryable(result.error.message, result.error.code);
}
