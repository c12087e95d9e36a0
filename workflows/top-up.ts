import {
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import {
  type ConfirmTopUpAnswer,
  type ConfirmTopUpCommand,
  TOP_UP as NAMES,
  type TopUpActivities,
  type TopUpInput,
  type TopUpProgress,
  type TopUpState,
} from '../contracts/temporal/top-up.js';
import { nextReadingInMs } from '../domain/top-up.js';
import { refuse } from './refuse.js';

export const paymentChangedSignal = defineSignal(NAMES.paymentChanged);
export const openedUpdate = defineUpdate<TopUpProgress>(NAMES.opened);
export const confirmUpdate = defineUpdate<ConfirmTopUpAnswer, [ConfirmTopUpCommand]>(NAMES.confirm);
export const topUpStateQuery = defineQuery<TopUpState>(NAMES.state);

/** One exchange with the payment provider and one transaction: repeated until both have answered. */
const steps = proxyActivities<TopUpActivities>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

/**
 * One order of money, id `top-up:<topUpId>`: made payable, then the payment is read whenever the provider says that
 * it changed, and now and then without being told, until it is credited or its time is over. What the provider says
 * after the end (a deposit that is taken back, money that comes late) starts it again, and the same reading decides.
 */
export async function topUp({ topUpId }: TopUpInput): Promise<TopUpState> {
  let progress: TopUpProgress = 'open';
  let opened = false;
  let changed = true;
  let readings = 0;
  let confirming = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const state = (): TopUpState => ({ topUpId, progress, readings, confirming: confirming > 0 });
  /** Confirmations and readings one after the other, so that each sees what the one before it did. */
  const alone = <T>(act: () => Promise<T>): Promise<T> => {
    const result = turn.then(act);
    turn = result.catch(() => undefined);
    return result;
  };
  const confirm = async (paymentKey: string): Promise<ConfirmTopUpAnswer> => {
    confirming += 1;
    try {
      const answer = await alone(() => steps.confirmCardPayment({ topUpId, paymentKey }));
      if (answer.accepted) progress = 'credited';
      return answer;
    } finally {
      confirming -= 1;
    }
  };
  setHandler(topUpStateQuery, state);
  setHandler(paymentChangedSignal, () => {
    changed = true;
  });
  setHandler(openedUpdate, async () => {
    await condition(() => opened);
    return progress;
  });
  setHandler(confirmUpdate, (command) => confirm(command.paymentKey), {
    validator: (command) => {
      refuse(command?.commandId ? null : 'a command needs its commandId');
      refuse(command.paymentKey ? null : 'a confirmation names its payment');
    },
  });

  const plan = await steps.openTopUp({ topUpId });
  const isOpen = () => progress === 'open';
  const endsAt = Date.now() + plan.expiresInMs;
  progress = plan.progress;
  opened = true;
  while (isOpen() || changed || !allHandlersFinished()) {
    const timeIsOver = Date.now() >= endsAt;
    changed = false;
    readings += 1;
    ({ progress } = await alone(() => steps.settleTopUp({ topUpId, timeIsOver })));
    if (!isOpen()) continue;
    const waitMs = timeIsOver
      ? nextReadingInMs(readings)
      : Math.max(1, Math.min(endsAt - Date.now(), nextReadingInMs(readings)));
    await condition(() => changed || (!isOpen() && confirming === 0), waitMs);
  }
  await condition(allHandlersFinished);
  return state();
}
