import { proxyActivities } from '@temporalio/workflow';
import type { AdvertiserOnboardingActivities } from '../contracts/temporal/advertiser-onboarding.js';

/** One transaction in PostgreSQL: short, and repeated until the store is back. */
export const steps = proxyActivities<Omit<AdvertiserOnboardingActivities, 'checkApplication'>>({
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

/** Asks the business registry, which may be away for hours: an application waits for it and is never lost. */
export const registry = proxyActivities<Pick<AdvertiserOnboardingActivities, 'checkApplication'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
