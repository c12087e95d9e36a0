import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type AutoTopUpActivities,
  type AutoTopUpInput,
  type AutoTopUpState,
  AUTO_TOP_UP as NAMES,
} from '../contracts/temporal/auto-top-up.js';

export const balanceBelowThresholdSignal = defineSignal(NAMES.balanceBelowThreshold);
export const autoTopUpStateQuery = defineQuery<AutoTopUpState>(NAMES.state);

/** One exchange with the payment provider and one transaction: repeated until both have answered. */
const steps = proxyActivities<AutoTopUpActivities>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

/**
 * The automatic top-up of one advertiser, id `auto-top-up:<advertiserId>`. Signals only say that it is worth a look;
 * whether the card is charged is decided by the database. Rests by ending: the next signal starts it again.
 */
export async function autoTopUp({ advertiserId }: AutoTopUpInput): Promise<AutoTopUpState> {
  let phase: AutoTopUpState['phase'] = 'checking';
  let signalled = true;
  let chargesInThisRun = 0;
  const state = (): AutoTopUpState => ({ advertiserId, phase, chargesInThisRun });
  setHandler(autoTopUpStateQuery, state);
  setHandler(balanceBelowThresholdSignal, () => {
    signalled = true;
  });

  let again = false;
  while (signalled || again) {
    signalled = false;
    phase = 'checking';
    const step = await steps.planAutoTopUp({ advertiserId });
    again = step.kind !== 'idle';
    if (step.kind === 'charge') {
      phase = 'charging';
      const { charged } = await steps.chargeAutoTopUp({ advertiserId, topUpId: step.topUpId });
      if (charged) chargesInThisRun += 1;
    } else if (step.kind === 'wait') {
      phase = 'cooling_down';
      await condition(() => signalled, step.waitMs);
    }
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof autoTopUp>({ advertiserId });
  }
  phase = 'idle';
  return state();
}
