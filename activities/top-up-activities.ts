import { ApplicationFailure } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { AutoTopUpActivities } from '../contracts/temporal/auto-top-up.js';
import type { TopUpActivities, TopUpProgress } from '../contracts/temporal/top-up.js';
import type { Failure, Result } from '../domain/result.js';
import type { BillingDeps } from '../operations/billing-methods.js';
import { chargeAutoTopUp } from '../operations/charge-auto-top-up.js';
import { openTopUp } from '../operations/open-top-up.js';
import { planAutoTopUp } from '../operations/plan-auto-top-up.js';
import { confirmTopUp, settleTopUp } from '../operations/settle-top-up.js';
import { signalFirstTopUp } from '../operations/signal-first-top-up.js';
import { readTopUp, type TopUp } from '../operations/top-up-read.js';
import { failingOnInvalidData } from './invalid-data.js';

export interface TopUpActivityDeps extends BillingDeps {
  /** Tells the onboarding that money has arrived. */
  readonly temporal: Client;
  readonly log: Logger;
}

/** Thin by design: each calls one operation. An outage of the provider throws, and Temporal asks again. */
export function createTopUpActivities(deps: TopUpActivityDeps): TopUpActivities & AutoTopUpActivities {
  return failingOnInvalidData({
    openTopUp: async ({ topUpId }) => {
      const topUp = valueOrFailure(await openTopUp(deps, topUpId));
      return {
        expiresInMs: Math.max(0, topUp.expiresAt.getTime() - Date.now()),
        progress: progressOf(topUp, isUnpaid(topUp)),
      };
    },
    confirmCardPayment: async ({ topUpId, paymentKey }) => {
      const confirmed = await confirmTopUp(deps, topUpId, paymentKey);
      if (!confirmed.ok) return refusal(confirmed.error);
      await tellFirstTopUp(deps, topUpId);
      return { accepted: true };
    },
    settleTopUp: async ({ topUpId, timeIsOver }) => {
      const { topUp, open } = valueOrFailure(await settleTopUp(deps, topUpId, timeIsOver));
      if (topUp.status === 'credited') await tellFirstTopUp(deps, topUpId);
      return { progress: progressOf(topUp, open) };
    },
    planAutoTopUp: ({ advertiserId }) => planAutoTopUp(deps.pool, advertiserId),
    chargeAutoTopUp: async ({ topUpId }) => {
      const answer = valueOrFailure(await chargeAutoTopUp(deps, topUpId));
      if (answer.charged) await tellFirstTopUp(deps, topUpId);
      return answer;
    },
  });
}

const isUnpaid = ({ status }: TopUp) => status === 'pending' || status === 'waiting_for_deposit';

function progressOf({ status }: TopUp, open: boolean): TopUpProgress {
  if (open) return 'open';
  switch (status) {
    case 'credited':
    case 'expired':
    case 'failed':
    case 'reversed':
      return status;
    default:
      return 'idle';
  }
}

/** The onboarding also looks by itself, so a signal that cannot be sent holds up no money. */
async function tellFirstTopUp({ pool, temporal, log }: TopUpActivityDeps, topUpId: string): Promise<void> {
  const topUp = await readTopUp(pool, topUpId);
  if (topUp === null) return;
  try {
    await signalFirstTopUp(temporal, topUp.advertiserId);
  } catch (error) {
    log.warn({ err: error, topUpId }, 'cannot tell the onboarding that money has arrived');
  }
}

const refusal = ({ code, message, nextStep }: Failure) => ({
  accepted: false as const,
  code,
  why: message,
  nextStep: nextStep ?? 'Look at the top-up and order a new one if needed.',
});

function valueOrFailure<T>(result: Result<T, Failure>): T {
  if (result.ok) return result.value;
  throw ApplicationFailure.nonRetryable(result.error.message, result.error.code);
}
